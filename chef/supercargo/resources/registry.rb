# frozen_string_literal: true

unified_mode true
resource_name :supercargo_registry
provides :supercargo_registry
default_action :create

property :registry, String,
         name_property: true,
         description: 'The registry as images name it: registry.example.com:5000, docker.io.'

property :username, String

property :password, String,
         sensitive: true

property :identity_token, String,
         sensitive: true,
         description: 'What the registry gave for a login, instead of the password.'

property :credential_helper, String,
         regex: [/\A[a-z0-9][a-z0-9._-]*\z/],
         description: 'The docker-credential-NAME that knows the login, instead of one in the file.'

property :docker_config, String,
         default: Supercargo::Cookbook::Layout::DOCKER_CONFIG,
         description: 'The folder of config.json.'

property :user, String,
         default: lazy { Supercargo::Cookbook::Owner.user(docker_config) },
         default_description: 'the user of the agent'

property :group, String,
         default: lazy { Supercargo::Cookbook::Owner.group(docker_config, user) },
         default_description: 'the group of the agent'

action_class do
  include Supercargo::Cookbook::Check

  def path
    ::File.join(new_resource.docker_config, 'config.json')
  end

  def login
    helper = new_resource.credential_helper
    known = [new_resource.password, new_resource.identity_token, helper].compact.length
    raise "#{new_resource}: set one of password, identity_token and credential_helper" unless known == 1
    return { helper: helper } if helper
    raise "#{new_resource}: username is not set" if new_resource.username.nil?

    entry = Supercargo::Cookbook::DockerConfig.login(
      username: new_resource.username, password: new_resource.password, identity_token: new_resource.identity_token
    )
    { login: entry }
  end

  def before
    ::File.exist?(path) ? ::File.read(path) : nil
  end

  def write(login)
    merged = Supercargo::Cookbook::DockerConfig.merge(before, new_resource.registry, file: path, **login)
    file path do
      content merged
      owner new_resource.user
      group new_resource.group
      mode '0600'
      sensitive true
      backup false
    end
  end
end

# Writes the login. The agent reads logins for every pull: nothing has to be reloaded.
action :create do
  entry = login
  require_group(new_resource.group)
  directory new_resource.docker_config do
    owner new_resource.user
    group new_resource.group
    mode '0700'
  end
  write(entry)
end

# Takes the login away; others stay.
action :remove do
  write({}) unless before.nil?
end
