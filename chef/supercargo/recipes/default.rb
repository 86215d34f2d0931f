# frozen_string_literal: true

settings = node['supercargo']

if settings['environment'].nil?
  raise "node['supercargo']['environment'] is not set: it names the environment whose manifest this host follows, for example 'staging'"
end

if settings['agent']['manifest_url'].nil?
  raise "node['supercargo']['agent']['manifest_url'] is not set: " \
        "it says where the manifest is, for example 'https://deploy.example.com/manifests/staging.json'"
end

# Attributes are properties by their names; a name that is none would be a method that Chef does not find, far from its cause.
properties = lambda do |type, attributes, where|
  known = Chef::ResourceResolver.resolve(type).properties.keys.map(&:to_s)
  unknown = attributes.keys - known
  raise "#{where} has no property of #{type}: #{unknown.join(', ')}; there are #{known.sort.join(', ')}" if unknown.any?

  attributes
end

agent = properties.call(:supercargo_agent, settings['agent'], "node['supercargo']['agent']")
supercargo_agent settings['environment'] do
  agent.each { |name, value| public_send(name, value) unless value.nil? }
end

instance = agent['instance'] ? settings['environment'] : nil

settings['registries'].each do |name, attributes|
  registry = attributes || {}
  properties.call(:supercargo_registry, registry, "node['supercargo']['registries']['#{name}']")
  supercargo_registry name do
    { 'docker_config' => agent['docker_config'], **registry }.each { |key, value| public_send(key, value) unless value.nil? }
    action :remove unless attributes
  end
end

set = {
  'services' => settings['services'],
  'purge' => settings['purge'],
  **properties.call(:supercargo_services, settings['shared'], "node['supercargo']['shared']"),
}
supercargo_services settings['environment'] do
  instance instance if instance
  set.each { |name, value| public_send(name, value) }
end
