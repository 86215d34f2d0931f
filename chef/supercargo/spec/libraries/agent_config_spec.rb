# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::AgentConfig do
  properties = %i(
    environment instance manifest_url trust_json allow_unsigned
    install_package package_source package_checksum package_version package_repository
    user group groups manifest_credentials report_url report_token labels turns health_listen health_lead
    ca client_cert client_key docker_config env
  )
  agent = Struct.new(*properties, keyword_init: true)

  let(:defaults) do
    {
      environment: 'staging', instance: false, manifest_url: 'https://deploy.example.com/manifests/staging.json', allow_unsigned: false,
      user: 'deploy', group: 'deploy', groups: %w(docker), docker_config: '/etc/supercargo/docker', env: {}, install_package: true
    }
  end

  define_method(:config) { |**change| described_class.new(agent.new(**defaults, **change)) }

  def written(config)
    config.files.reject { |_, wanted| wanted.content.nil? }
  end

  it 'writes agent.env with what was set, and nothing else' do
    trial = config(allow_unsigned: true, env: { 'SUPERCARGO_POLL' => '*/10 * * * * *', 'SUPERCARGO_EDGE_MODE' => 'publish' })
    expect(written(trial).keys).to eq(['/etc/supercargo/agent.env'])
    expect(written(trial)['/etc/supercargo/agent.env'].content).to eq(<<~ENV)
      # Written by Chef: supercargo_agent[staging]. Changes here are lost.
      SUPERCARGO_ENVIRONMENT=staging
      SUPERCARGO_MANIFEST_URL=https://deploy.example.com/manifests/staging.json
      SUPERCARGO_ALLOW_UNSIGNED=true
      DOCKER_CONFIG=/etc/supercargo/docker
      SUPERCARGO_EDGE_MODE=publish
      SUPERCARGO_POLL="*/10 * * * * *"
    ENV
  end

  it 'names the health endpoint and its lead' do
    env = written(config(allow_unsigned: true, health_listen: '9000', health_lead: '15s'))['/etc/supercargo/agent.env'].content
    expect(env.lines.grep(/HEALTH/)).to eq(["SUPERCARGO_HEALTH_LISTEN=9000\n", "SUPERCARGO_HEALTH_LEAD=15s\n"])
  end

  it 'says when a switch needs a turn' do
    env = written(config(allow_unsigned: true, turns: 'always'))['/etc/supercargo/agent.env'].content
    expect(env.lines.grep(/TURNS/)).to eq(["SUPERCARGO_TURNS=always\n"])
  end

  it 'writes labels of a hash or a text, and none of an empty hash' do
    {
      { 'zone' => 'a', canary: true, 'rack' => 7, 'old' => nil } => ["SUPERCARGO_LABELS=canary=true,rack=7,zone=a\n"],
      'zone=a, role=web' => ["SUPERCARGO_LABELS=\"zone=a, role=web\"\n"],
      {} => [],
      nil => [],
    }.each do |labels, lines|
      text = Supercargo::Cookbook::Labels.text(labels)
      env = written(config(allow_unsigned: true, labels: text))['/etc/supercargo/agent.env'].content
      expect(env.lines.grep(/LABELS/)).to eq(lines)
    end
  end

  it 'keeps secrets in files of the agent alone, and names them' do
    files = written(config(trust_json: { 'epoch' => 1 }, report_url: 'https://x', report_token: 'token', manifest_credentials: "a:b\n"))
    expect(files.transform_values { |wanted| wanted.to_h.slice(:owner, :mode, :secret).values }).to eq(
      '/etc/supercargo/manifest-credentials' => ['deploy', '0600', true],
      '/etc/supercargo/report-token' => ['deploy', '0600', true],
      '/etc/supercargo/trust.json' => ['root', '0640', false],
      '/etc/supercargo/agent.env' => ['root', '0640', false]
    )
    expect(files.transform_values(&:content)).to include(
      '/etc/supercargo/manifest-credentials' => "a:b\n",
      '/etc/supercargo/report-token' => "token\n",
      '/etc/supercargo/trust.json' => "{\n  \"epoch\": 1\n}\n"
    )
    env = files['/etc/supercargo/agent.env'].content
    expect(env.lines.grep(/FILE|CREDENTIALS/)).to eq(
      [
        "SUPERCARGO_MANIFEST_CREDENTIALS=/etc/supercargo/manifest-credentials\n",
        "SUPERCARGO_REPORT_TOKEN_FILE=/etc/supercargo/report-token\n",
      ]
    )
    expect(env).not_to match(/=token$|a:b/)
  end

  it 'knows all its files without knowing what is in them' do
    expect(config.paths).to match_array(config(allow_unsigned: true).files.keys)
  end

  it 'gives a further environment places of its own' do
    files = written(config(instance: true, trust_json: '{}'))
    expect(files.keys).to eq(%w(/etc/supercargo/staging/trust.json /etc/supercargo/staging/agent.env))
    expect(files['/etc/supercargo/staging/agent.env'].content.lines.grep(%r{staging/|-staging})).to eq(
      [
        "SUPERCARGO_TRUST=/etc/supercargo/staging/trust.json\n", "SUPERCARGO_SOCKET=/run/supercargo-staging/agent.sock\n"
      ]
    )
    expect(config(instance: true).layout.unit).to eq('supercargo@staging')
    expect { config(instance: true, environment: 'docker').layout }.to raise_error(ArgumentError, /folder has another use/)
  end

  it 'changes the unit only where the host differs from the package' do
    expect(config.drop_in).to be_nil
    expect(config(env: { 'SUPERCARGO_METRICS_FILE' => '/var/lib/supercargo/x.prom' }).drop_in).to be_nil
    own = config(user: 'ci', group: 'ops', groups: %w(docker adm), env: { 'SUPERCARGO_METRICS_FILE' => '/var/lib/node_exporter/x.prom' })
    expect(own.drop_in).to eq(<<~UNIT)
      # Written by Chef.
      [Service]
      User=ci
      Group=ops
      SupplementaryGroups=
      SupplementaryGroups=docker adm
      ReadWritePaths=-/var/lib/node_exporter
    UNIT
  end

  {
    'neither trust nor leave to do without' => [{}, /trust_json is not set: .*keygen/],
    'trust and leave to do without' => [{ trust_json: {}, allow_unsigned: true }, /exclude each other/],
    'a URL without checksum' => [{ trust_json: {}, package_source: 'https://x/y.deb' }, /package_checksum has to say/],
    'a file with a version' => [{ trust_json: {}, package_source: '/y.deb', package_version: '1' }, /are for a repository/],
    'half a client certificate' => [{ trust_json: {}, client_key: 'x' }, /client_cert and client_key belong together/],
    'a lead for nothing' => [{ trust_json: {}, health_lead: '15s' }, /health_lead without health_listen/],
    'turns without a store' => [{ trust_json: {}, turns: 'always' }, /turns always without report_url/],
    'a token for nothing' => [{ trust_json: {}, report_token: 'x' }, /report_token without report_url/],
  }.each do |what, (change, message)|
    it("refuses #{what}") { expect { config(**change).check }.to raise_error(ArgumentError, message) }
  end

  it 'refuses to install its .deb elsewhere, and says what to do' do
    expect { config(allow_unsigned: true).check(debian: false) }
      .to raise_error(ArgumentError, /neither Debian nor Ubuntu: install .* false/)
    expect { config(allow_unsigned: true, install_package: false).check(debian: false) }.not_to raise_error
  end

  it 'takes what fits together' do
    url = { package_source: 'https://x/y.deb', package_checksum: '0' * 64, client_cert: 'x', client_key: 'y' }
    expect { config(trust_json: '{}', report_url: 'https://x', report_token: 'x', **url).check }.not_to raise_error
    expect { config(allow_unsigned: true, package_version: '1').check }.not_to raise_error
  end
end
