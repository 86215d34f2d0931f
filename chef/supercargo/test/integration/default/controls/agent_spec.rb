# frozen_string_literal: true

control 'agent' do
  impact 1.0
  title 'The agent is installed, enabled and running'

  describe package('supercargo') do
    it { is_expected.to be_installed }
  end

  describe service('supercargo') do
    it { is_expected.to be_enabled }
    it { is_expected.to be_running }
  end

  describe user('deploy') do
    its('groups') { is_expected.to include('docker') }
    its('shell') { is_expected.to eq('/usr/sbin/nologin') }
  end
end

control 'deploy' do
  impact 1.0
  title 'The published version runs'

  describe command('supercargo sync --wait --timeout 5m') do
    its('exit_status') { is_expected.to eq(0) }
  end

  describe command('supercargo status') do
    its('exit_status') { is_expected.to eq(0) }
    its('stdout') { is_expected.to match(/^staging on .*converged/) }
  end

  describe port(80) do
    it { is_expected.to be_listening }
  end
end

control 'files' do
  impact 1.0
  title 'Its files are for it alone'

  { '/etc/supercargo' => '0750', '/etc/supercargo/compose.d' => '0750', '/etc/supercargo/agent.env' => '0640' }.each do |path, mode|
    describe file(path) do
      its('owner') { is_expected.to eq('root') }
      its('group') { is_expected.to eq('deploy') }
      its('mode') { is_expected.to cmp(mode) }
    end
  end

  describe file('/etc/supercargo/docker/config.json') do
    its('owner') { is_expected.to eq('deploy') }
    its('mode') { is_expected.to cmp('0600') }
  end

  describe json('/etc/supercargo/docker/config.json') do
    its(['auths', 'registry.example.com', 'auth']) { is_expected.to eq('Y2k6bm90LWEtc2VjcmV0') }
  end
end

control 'services' do
  impact 1.0
  title 'The service is as it was declared, and valid'

  describe yaml('/etc/supercargo/compose.d/web.yaml') do
    its(%w(services web image)) { is_expected.to eq('docker.io/library/nginx') }
    its(%w(services web ports)) { is_expected.to eq(['80:80']) }
    its(%w(services web environment NODE_ENV)) { is_expected.to eq('production') }
    its(%w(services web restart)) { is_expected.to eq('always') }
    its(%w(services web logging driver)) { is_expected.to eq('syslog') }
  end

  describe command('supercargo validate') do
    its('exit_status') { is_expected.to eq(0) }
  end
end
