# frozen_string_literal: true

require 'chef_helper'

RSpec.describe 'supercargo_registry' do
  step_into :supercargo_registry
  platform 'debian', '12'

  context 'with a password' do
    recipe do
      supercargo_registry 'registry.example.com' do
        username 'ci'
        password 'secret'
      end
    end

    it 'writes a login that only the agent reads' do
      is_expected.to create_file('/etc/supercargo/docker/config.json').with(
        owner: 'deploy', group: 'deploy', mode: '0600', sensitive: true, backup: false, content: /"auth": "Y2k6c2VjcmV0"/
      )
    end

    it { is_expected.to create_directory('/etc/supercargo/docker').with(owner: 'deploy', mode: '0700') }
  end

  context 'with a helper' do
    recipe { supercargo_registry('docker.io') { credential_helper 'pass' } }

    it { is_expected.to create_file('/etc/supercargo/docker/config.json').with(content: %r{"https://index.docker.io/v1/": "pass"}) }
  end

  context 'with nothing to log in with' do
    recipe { supercargo_registry('docker.io') { username 'ci' } }

    it { expect { chef_run }.to raise_error(RuntimeError, /set one of password, identity_token and credential_helper/) }
  end

  context 'when it is removed, and nothing is there' do
    recipe { supercargo_registry('docker.io') { action :remove } }

    it { is_expected.not_to create_file('/etc/supercargo/docker/config.json') }
  end
end
