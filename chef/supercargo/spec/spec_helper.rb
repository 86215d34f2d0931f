# frozen_string_literal: true

# For the libraries: plain Ruby, without Chef. What needs Chef requires chef_helper.
%w[plain compose_yaml env_file docker_config variables layout owner drop_in agent_config service_files].each do |library|
  require_relative "../libraries/#{library}"
end

RSpec.configure do |config|
  config.disable_monkey_patching!
  config.raise_errors_for_deprecations!
end
