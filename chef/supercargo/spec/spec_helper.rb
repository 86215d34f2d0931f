# frozen_string_literal: true

# For the libraries: plain Ruby, without Chef. What needs Chef requires chef_helper.
%w(
  addresses agent_config apt_policy compose_yaml docker_config drop_in env_file labels layout owner plain
  service_files stage unit_state variables
).each do |library|
  require_relative "../libraries/#{library}"
end

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.raise_errors_for_deprecations!
end
