# frozen_string_literal: true

require 'chef_helper'

RSpec.describe 'supercargo_service' do
  step_into :supercargo_service
  platform 'debian', '12'

  context 'with a service and its files' do
    recipe do
      supercargo_service 'web' do
        definition image: 'registry.example.com/org/web', ports: ['80:8888'], secrets: ['db']
        secrets db: { file: './secrets/db' }
        files 'secrets/db' => 'not-a-secret'
      end
    end

    it 'writes the service' do
      is_expected.to create_file('/etc/supercargo/compose.d/web.yaml').with(owner: 'root', group: 'deploy', mode: '0640', content: <<~YAML)
        # Written by Chef: supercargo_service[web]. Changes here are lost.
        secrets:
          db:
            file: "./secrets/db"
        services:
          web:
            image: registry.example.com/org/web
            ports:
            - "80:8888"
            secrets:
            - db
      YAML
    end

    it { is_expected.to create_directory('/etc/supercargo/secrets').with(group: 'deploy', mode: '0750') }
    it { is_expected.to create_file('/etc/supercargo/secrets/db').with(owner: 'deploy', mode: '0600', sensitive: true, backup: false) }

    it 'says what to do where the agent was not installed before' do
      allow(Etc).to receive(:getgrnam).with('deploy').and_raise(ArgumentError)
      expect { chef_run }.to raise_error(RuntimeError, /there is no group deploy: declare supercargo_agent before/)
    end
  end

  context 'without anything' do
    recipe { supercargo_service('web') }

    it { expect { chef_run }.to raise_error(RuntimeError, /definition is empty/) }
  end

  context 'when it is removed' do
    recipe do
      supercargo_service 'web' do
        instance 'production'
        action :remove
      end
    end

    it { is_expected.to delete_file('/etc/supercargo/production/compose.d/web.yaml') }
  end
end
