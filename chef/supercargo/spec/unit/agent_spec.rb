# frozen_string_literal: true

require 'chef_helper'

RSpec.describe 'supercargo_agent' do
  step_into :supercargo_agent
  platform 'debian', '12'

  context 'with a package in a file' do
    recipe do
      supercargo_agent 'staging' do
        manifest_url %w(https://a/manifests/staging.json https://b/manifests/staging.json)
        trust_json '{}'
        package_source '/srv/supercargo.deb'
        report_url %w(https://a https://b)
        report_token 'secret'
        labels zone: 'a', canary: true
        turns 'always'
        health_listen 9000
        health_lead '15s'
        env SUPERCARGO_POLL: '*/10 * * * * *'
      end
    end

    it { is_expected.to upgrade_dpkg_package('supercargo').with(source: ['/srv/supercargo.deb']) }
    it { is_expected.to create_directory('/etc/supercargo').with(owner: 'root', group: 'deploy', mode: '0750') }
    it { is_expected.to create_directory('/etc/supercargo/docker').with(owner: 'deploy', mode: '0700') }
    it { is_expected.to create_file('/etc/supercargo/trust.json').with(content: '{}', mode: '0640') }
    it { is_expected.to create_file('/etc/supercargo/report-token').with(owner: 'deploy', mode: '0600', sensitive: true, backup: false) }
    it { is_expected.to delete_file('/etc/supercargo/manifest-credentials') }
    it { is_expected.to enable_service('supercargo after a boot').with(service_name: 'supercargo') }
    it { is_expected.to delete_file('/etc/systemd/system/supercargo.service.d/chef.conf') }

    it 'makes no user that is there' do
      allow(Etc).to receive(:getpwnam).and_call_original
      allow(Etc).to receive(:getpwnam).with('deploy').and_return(Etc.getpwuid(0))
      is_expected.not_to create_user('deploy')
    end

    it 'reloads once, at the end, when the configuration changes' do
      file = chef_run.file('/etc/supercargo/agent.env')
      expect(file.content).to include('SUPERCARGO_POLL="*/10 * * * * *"', "SUPERCARGO_LABELS=canary=true,zone=a\n")
      expect(file.content).to include("SUPERCARGO_MANIFEST_URL=https://a/manifests/staging.json,https://b/manifests/staging.json\n")
      expect(file.content).to include("SUPERCARGO_REPORT_URL=https://a,https://b\n")
      expect(file.content).to include("SUPERCARGO_HEALTH_LISTEN=9000\nSUPERCARGO_HEALTH_LEAD=15s\n")
      expect(file).to notify('supercargo_unit[staging]').to(:reload).delayed
    end

    it 'leaves an engine alone that is there' do
      is_expected.not_to install_package('docker.io')
    end

    it 'installs one where there is none' do
      allow(File).to receive(:exist?).with(/dockerd\z/).and_return(false)
      is_expected.to install_package('docker.io')
      is_expected.to start_service('docker')
    end
  end

  context 'with a package from a URL, and as another user' do
    recipe do
      supercargo_agent 'staging' do
        manifest_url 'https://deploy.example.com/manifests/staging.json'
        allow_unsigned true
        package_source 'https://deploy.example.com/supercargo.deb'
        package_checksum 'AB' * 32
        user 'ci'
      end
    end

    it { is_expected.to create_remote_file("#{Chef::Config[:file_cache_path]}/supercargo.deb").with(checksum: 'ab' * 32) }
    it { is_expected.to create_user('ci').with(system: true, gid: 'ci', shell: '/usr/sbin/nologin') }
    it { is_expected.to create_group('docker').with(append: true, members: ['ci']) }

    it 'runs the agent as that user' do
      drop_in = chef_run.file('/etc/systemd/system/supercargo.service.d/chef.conf')
      expect(drop_in.content).to match(/^User=ci$/)
      expect(drop_in).to notify('supercargo_unit[staging]').to(:restart).delayed
      expect(drop_in).to notify('execute[systemctl daemon-reload for supercargo]').to(:run).immediately
    end
  end

  context 'as a further environment, from a repository' do
    recipe do
      supercargo_agent 'production' do
        instance true
        manifest_url 'https://deploy.example.com/manifests/production.json'
        allow_unsigned true
        package_version '1.2.3'
      end
    end

    stubs_for_provider('supercargo_agent[production]') do |provider|
      allow(provider).to receive_shell_out('apt-cache', 'policy', 'supercargo', stdout: "  Version table:\n     1.1.0 500\n")
    end

    it { is_expected.to update_apt_update('for supercargo') }

    it { is_expected.to install_apt_package('supercargo').with(version: '1.2.3') }
    it 'has a folder of its own' do
      is_expected.to create_file('/etc/supercargo/production/agent.env')
        .with(content: %r{^SUPERCARGO_COMPOSE=/etc/supercargo/production$})
    end

    it { is_expected.to enable_service('supercargo@production after a boot').with(service_name: 'supercargo@production') }
  end

  context 'without trust' do
    recipe { supercargo_agent('staging') { manifest_url 'https://deploy.example.com/manifests/staging.json' } }

    it { expect { chef_run }.to raise_error(ArgumentError, /trust_json is not set/) }
  end

  context 'when it is removed' do
    recipe { supercargo_agent('staging') { action :remove } }

    it { is_expected.to stop_service('supercargo') }
    it { is_expected.to disable_service('supercargo') }
    it { is_expected.to delete_file('/etc/supercargo/agent.env') }
    it { is_expected.to remove_package('supercargo') }
  end
end
