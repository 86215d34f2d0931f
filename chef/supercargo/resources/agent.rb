# frozen_string_literal: true

unified_mode true
resource_name :supercargo_agent
provides :supercargo_agent
default_action :create

property :environment, String,
         name_property: true,
         regex: [/\A[a-z0-9][a-z0-9_-]{0,62}\z/],
         description: 'The environment whose manifest this host follows.'

property :instance, [true, false],
         default: false,
         description: 'A further environment on this host: its service is supercargo@ENVIRONMENT, its folder /etc/supercargo/ENVIRONMENT.'

property :manifest_url, [Array, String],
         required: %i(create),
         coerce: proc { |value| Supercargo::Cookbook::Addresses.text('manifest_url', value) },
         description: 'Where the manifest is read: https:, http: or file:, without user name and password. Several hubs: a list.'

property :trust_json, [Hash, String],
         coerce: proc { |value| value.is_a?(Hash) ? Supercargo::Cookbook::Plain.copy(value) : value },
         description: 'trust.json, as a hash or as text: the public keys whose signature makes a manifest acceptable.'

property :allow_unsigned, [true, false],
         default: false,
         description: 'Accept a manifest without signature, for trials. Only without trust_json.'

property :install_package, [true, false],
         default: true,
         description: 'false: the package is somebody else\'s business.'

property :package_name, String,
         default: 'supercargo'

property :package_source, String,
         regex: [%r{\A/}, %r{\Ahttps?://}],
         description: 'A .deb: the absolute path of a file on this host, or a URL. Not set: the package comes from a repository.'

property :package_checksum, String,
         regex: [/\A\h{64}\z/],
         coerce: proc { |value| value.downcase },
         description: 'The SHA-256 of the .deb; required where package_source is a URL.'

property :package_version, String,
         description: 'The version from the repository; not set: the newest at the first installation, and then as it is.'

property :package_repository, Hash,
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'Properties of an apt_repository with the package, for example uri, distribution, components and key.'

property :install_docker, [true, false],
         default: true,
         description: 'Install the engine of the distribution where there is none; false: leave it alone.'

property :docker_package, String,
         default: 'docker.io'

property :user, String,
         default: Supercargo::Cookbook::Owner::DEFAULT,
         description: 'Whom the agent runs as. Made where it does not exist.'

property :group, String,
         default: lazy { Supercargo::Cookbook::Owner.primary_group(user) },
         default_description: 'the primary group of the user, which a new one gets by its own name'

property :groups, Array,
         default: %w(docker),
         coerce: proc { |value| Array(value).map(&:to_s) },
         description: 'Further groups of the user and of the agent. The one that owns the socket of the engine has to be among them.'

property :manifest_credentials, String,
         sensitive: true,
         description: '"user:password" or a bearer token, for the server of the manifest.'

property :report_url, [Array, String],
         coerce: proc { |value| Supercargo::Cookbook::Addresses.text('report_url', value) },
         description: 'The base of the report store. Several hubs: a list, in any order.'

property :report_token, String,
         sensitive: true,
         description: 'The token that reports are sent with.'

property :labels, [Hash, String],
         coerce: proc { |value| Supercargo::Cookbook::Labels.text(value) },
         description: 'What operators select this host by, for example zone: "a". A label decides when, never what.'

property :turns, String,
         equal_to: %w(manifest always),
         description: 'always: no switch begins here without a turn from the report store, whatever the manifest says.'

property :health_listen, [String, Integer],
         coerce: proc { |value| value&.to_s },
         description: 'Where load balancers ask whether to send here: PORT, ADDRESS:PORT or [IPv6]:PORT. Not set: no endpoint.'

property :health_lead, String,
         description: 'How long load balancers take to notice another answer, for example 15s: interval x threshold + reserve.'

property :ca, String,
         description: 'The certificate authority of those servers, PEM.'

property :client_cert, String,
         description: 'The certificate that this host shows, PEM. Together with client_key.'

property :client_key, String,
         sensitive: true

property :docker_config, String,
         default: Supercargo::Cookbook::Layout::DOCKER_CONFIG,
         description: 'The folder of config.json, where supercargo_registry writes logins.'

property :env, Hash,
         default: {},
         coerce: proc { |value| Supercargo::Cookbook::Variables.of(value) },
         description: 'Every other variable of agent.env by its name, for example SUPERCARGO_POLL.'

action_class do
  include Supercargo::Cookbook::Check
  include Supercargo::Cookbook::Folders

  def config
    @config ||= Supercargo::Cookbook::AgentConfig.new(new_resource)
  end

  def layout
    config.layout
  end

  def install_package
    source = new_resource.package_source
    return install_from_repository if source.nil?
    return install_from_file(source) if source.start_with?('/')

    file = ::File.join(Chef::Config[:file_cache_path], 'supercargo.deb')
    remote_file file do
      source source
      checksum new_resource.package_checksum
      mode '0644'
    end
    install_from_file(file)
  end

  # :upgrade, since :install is content with any version.
  def install_from_file(file)
    dpkg_package new_resource.package_name do
      source file
      action :upgrade
    end
  end

  def install_from_repository
    settings = new_resource.package_repository
    if settings
      apt_repository new_resource.package_name do
        settings.each { |name, value| public_send(name, value) }
      end
    end
    apt_update "for #{new_resource.package_name}" do
      ignore_failure true
      action :update
      not_if { candidate? }
    end
    # What the package recommends may be an engine beside the one that is there.
    apt_package new_resource.package_name do
      version new_resource.package_version if new_resource.package_version
      options '--no-install-recommends'
    end
  end

  # Whether the lists of apt have what is to be installed. Without a version: any.
  def candidate?
    policy = shell_out('apt-cache', 'policy', new_resource.package_name, environment: { 'LC_ALL' => 'C' }).stdout
    Supercargo::Cookbook::AptPolicy.known?(policy, new_resource.package_version)
  end

  def install_docker
    return if engine?
    raise "#{new_resource}: install an engine first; install_docker installs Debian's only on Debian and Ubuntu" unless debian?

    # Old lists are better than no engine, and the package says what is missing.
    apt_update 'before the engine' do
      ignore_failure true
      action :periodic
    end
    package new_resource.docker_package
    service 'docker' do
      action %i(enable start)
    end
  end

  def debian?
    platform_family?('debian')
  end

  # Installing the distribution's engine beside another would remove that one, and its containers with it.
  def engine?
    %w(/usr/bin/dockerd /usr/sbin/dockerd /usr/local/bin/dockerd /snap/bin/dockerd).any? { |path| ::File.exist?(path) }
  end

  # With `append`, and no members: a group that is there stays as it is.
  def make_user
    group new_resource.group do
      system true
      append true
    end
    user new_resource.user do
      gid new_resource.group
      system true
      home '/var/lib/supercargo'
      shell '/usr/sbin/nologin'
      not_if { user?(new_resource.user) }
    end
    new_resource.groups.each do |name|
      group name do
        system true
        append true
        members [new_resource.user]
      end
    end
  end

  def user?(name)
    ::Etc.getpwnam(name)
    true
  rescue ArgumentError
    false
  end

  # The one of the whole run: what notifies it later is done once, at the end of the run and not of this
  # resource.
  def agent_unit
    agent = new_resource
    with_run_context(:root) do
      find_resource(:supercargo_unit, agent.environment) do
        instance agent.instance
        user agent.user
        group agent.group
        action :nothing
      end
    end
  end

  def daemon_reload
    execute "systemctl daemon-reload for #{layout.unit}" do
      command %w(systemctl daemon-reload)
      action :nothing
    end
  end

  def write_folders
    write_folder layout.folder
    write_folder "#{layout.folder}/compose.d"
    return unless new_resource.docker_config == Supercargo::Cookbook::Layout::DOCKER_CONFIG

    directory new_resource.docker_config do
      owner new_resource.user
      group new_resource.group
      mode '0700'
    end
  end

  # The whole configuration is judged before the first file of it is written.
  def judge_files
    wanted, unwanted = config.files.partition { |_, file| file.content }.map(&:to_h)
    supercargo_validate!(layout, wanted.transform_values(&:content), unwanted.keys) do |stage|
      ['--env', "#{stage}/agent.env"]
    end
  end

  def write_files
    unit = agent_unit
    config.files.each do |path, wanted|
      file path do
        content wanted.content
        owner wanted.owner
        group new_resource.group
        mode wanted.mode
        sensitive wanted.secret
        backup false if wanted.secret
        action wanted.content.nil? ? :delete : :create
        notifies :reload, unit, :delayed
      end
    end
  end

  def write_drop_in
    wanted = config.drop_in
    name = layout.unit
    unit = agent_unit
    daemon_reload
    directory ::File.dirname(layout.drop_in) do
      mode '0755'
      not_if { wanted.nil? }
    end
    file layout.drop_in do
      content wanted
      mode '0644'
      action wanted.nil? ? :delete : :create
      notifies :run, "execute[systemctl daemon-reload for #{name}]", :immediately
      notifies :restart, unit, :delayed
    end
  end
end

# Installs the agent, configures it, and keeps it running.
action :create do
  config.check(debian: debian?)
  install_docker if new_resource.install_docker
  install_package if new_resource.install_package
  make_user
  judge_files
  write_folders
  # First, so that a restart comes before a reload: an agent that runs as the user before may not read what a
  # reload is to tell it.
  write_drop_in
  write_files
  service "#{layout.unit} after a boot" do
    service_name layout.unit
    action :enable
  end
  # Not before the services and logins of this run are there.
  agent_unit.delayed_action(:start)
end

# Stops the agent, and removes it and its configuration. Containers, compose files and state stay. What all
# agents of the host share, the package and the logins, goes with the last one.
action :remove do
  service layout.unit do
    action %i(stop disable)
  end
  daemon_reload
  alone = layout.alone?
  (config.paths + (alone ? config.shared_paths : [])).each do |path|
    file path do
      backup false
      action :delete
    end
  end
  file layout.drop_in do
    action :delete
    notifies :run, "execute[systemctl daemon-reload for #{layout.unit}]", :immediately
  end
  if new_resource.install_package && alone
    package new_resource.package_name do
      action :remove
    end
  end
end

# No container notices any of them.
%i(start stop restart reload).each do |verb|
  action verb do
    service layout.unit do
      action verb
    end
  end
end
