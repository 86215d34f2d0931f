# frozen_string_literal: true

require 'chefspec'
require 'spec_helper'

RSpec.configure do |config|
  config.cookbook_path = [File.expand_path('../..', __dir__), File.expand_path('../test/cookbooks', __dir__)]
  config.platform = 'debian'
  config.version = '12'
  config.log_level = :error

  # Whatever the machine of the specs has: an engine, no agent, its group.
  config.before do
    allow(File).to receive(:exist?).and_call_original
    allow(File).to receive(:exist?).with('/usr/bin/dockerd').and_return(true)
    allow(File).to receive(:executable?).and_call_original
    allow(File).to receive(:executable?).with('/usr/bin/supercargo').and_return(false)
    allow(Etc).to receive(:getgrnam).and_call_original
    allow(Etc).to receive(:getgrnam).with('deploy')
  end
end
