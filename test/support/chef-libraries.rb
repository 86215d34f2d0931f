# frozen_string_literal: true

# What the cookbook's libraries write: JSON on standard input, JSON on standard output.
require 'json'
%w[agent_config compose_yaml docker_config env_file variables].each do |library|
  require_relative "../../chef/supercargo/libraries/#{library}"
end

include Supercargo::Cookbook # rubocop:disable Style/MixinUsage

asked = JSON.parse($stdin.read)
written = {
  yaml: asked['compose'].map { |hash| ComposeYaml.render(hash) },
  env: asked['env'].map do |variables|
    EnvFile.render(variables)
  rescue ArgumentError => e
    { refused: e.message }
  end,
  logins: asked['logins'].inject(nil) do |text, (registry, login)|
    DockerConfig.merge(text, registry, login: DockerConfig.login(**login.transform_keys(&:to_sym)))
  end,
  variables: { properties: Variables::PROPERTIES, others: Variables::OTHERS }
}
puts JSON.generate(written)
