# frozen_string_literal: true

unified_mode true
resource_name :supercargo_service
provides :supercargo_service
default_action :create

property :service_name, String,
         name_property: true,
         regex: [/\A[a-zA-Z0-9][a-zA-Z0-9._-]*\z/],
         description: 'The name of the service, and of its file in compose.d.'

property :definition, Hash,
         default: {},
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'The service as in the Compose Specification: image, ports, environment, deploy, x-supercargo and so on.'

property :others, Hash,
         default: {},
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'More services in the same file, by name: what changes together with this one, for example its migration.'

%i[networks volumes secrets configs].each do |part|
  property part, Hash,
           default: {},
           coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
           description: "The #{part} that this file defines."
end

property :extensions, Hash,
         default: {},
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'x-supercargo and other x- keys of the top level.'

property :files, Hash,
         default: {},
         sensitive: true,
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'Files that the service refers to, for example as env_file or secret: path (relative to the folder) => text. ' \
                      'They are written before the service, for the user of the agent alone.'

property :files_mode, String,
         default: '0600'

property :instance, String,
         description: 'The further environment on this host that runs the service; not set: the first.'

property :user, String,
         default: lazy { Supercargo::Cookbook::Owner.user },
         default_description: 'the user of the agent'

property :group, String,
         default: lazy { Supercargo::Cookbook::Owner.group(Supercargo::Cookbook::Layout.new(instance).folder, user) },
         default_description: 'the group of the agent'

property :validate_first, [true, false],
         default: true,
         description: 'Let supercargo validate judge the file, with its siblings, before it replaces the old one.'

action_class do
  include Supercargo::Cookbook::Check
  include Supercargo::Cookbook::Folders

  def layout
    @layout ||= Supercargo::Cookbook::Layout.new(new_resource.instance)
  end

  def compose
    own = new_resource.definition.empty? ? {} : { new_resource.service_name => new_resource.definition }
    parts = { 'services' => own.merge(new_resource.others) }
    %w[networks volumes secrets configs].each { |part| parts[part] = new_resource.public_send(part) }
    parts.reject! { |_, value| value.empty? }
    parts.merge(new_resource.extensions)
  end

  def text
    "# Written by Chef: #{new_resource}. Changes here are lost.\n#{Supercargo::Cookbook::ComposeYaml.render(compose)}"
  end

  def path_of(name)
    ::File.expand_path(name, layout.folder)
  end

  # The folders between the agent's own and a file, the outermost first.
  def folders_of(path)
    folder = ::File.dirname(path)
    return [] unless folder.start_with?("#{layout.folder}/")

    folders_of(folder) + [folder]
  end

  def write_files
    new_resource.files.each do |name, secret|
      folders_of(path_of(name)).each { |folder| write_folder(folder) }
      file path_of(name) do
        content secret
        owner new_resource.user
        group new_resource.group
        mode new_resource.files_mode
        sensitive true
        backup false
      end
    end
  end
end

# Writes the service's file. The agent sees it and acts: nothing has to be reloaded.
action :create do
  raise "#{new_resource}: definition is empty: say at least its image" if compose.empty?

  require_group(new_resource.group)
  write_folder(layout.folder)
  write_folder("#{layout.folder}/compose.d")
  write_files
  path = layout.compose_file(new_resource.service_name)
  checker = ->(new_file) { supercargo_validate!('--compose', new_file, '--as', path) }
  wanted = text
  file path do
    content wanted
    owner 'root'
    group new_resource.group
    mode '0640'
    sensitive new_resource.sensitive
    backup false
    verify(&checker) if new_resource.validate_first
  end
end

# Removes the file, and those of `files`: the agent stops the service, and removes its containers.
action :remove do
  [layout.compose_file(new_resource.service_name), *new_resource.files.keys.map { |name| path_of(name) }].each do |path|
    file path do
      backup false
      action :delete
    end
  end
end
