# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::DockerConfig do
  let(:login) { described_class.login(username: 'ci', password: 'secret') }

  def merged(text, registry, **change)
    JSON.parse(described_class.merge(text, registry, **change))
  end

  it 'writes a login as docker login does' do
    expect(merged(nil, 'registry.example.com', login: login)).to eq('auths' => { 'registry.example.com' => { 'auth' => 'Y2k6c2VjcmV0' } })
  end

  it 'keeps long secrets on one line' do
    expect(described_class.login(username: 'ci', password: 'x' * 200)['auth']).not_to include("\n")
  end

  it 'writes an identity token beside the user' do
    token = described_class.login(username: 'ci', identity_token: 'token')
    expect(token).to eq('auth' => 'Y2k6', 'identitytoken' => 'token')
  end

  it 'keeps what others wrote' do
    before = '{"HttpHeaders":{"X":"y"},"auths":{"b.example.com":{"auth":"eDp5"}},"credsStore":"pass"}'
    expect(merged(before, 'a.example.com', login: login)).to eq(
      'HttpHeaders' => { 'X' => 'y' },
      'auths' => { 'a.example.com' => login, 'b.example.com' => { 'auth' => 'eDp5' } },
      'credsStore' => 'pass'
    )
  end

  it 'comes to the same file in whatever order the registries come' do
    one = described_class.merge(described_class.merge(nil, 'a', login: login), 'b', helper: 'ecr-login')
    other = described_class.merge(described_class.merge(nil, 'b', helper: 'ecr-login'), 'a', login: login)
    expect(JSON.parse(one)).to eq(JSON.parse(other))
    expect(described_class.merge(one, 'a', login: login)).to eq(one)
  end

  it 'leaves a file as it is where the login is there already, however it is laid out' do
    laid_out = %({ "auths":{"a":#{JSON.generate(login)}} })
    expect(described_class.merge(laid_out, 'a', login: login)).to be(laid_out)
  end

  it 'lets a login and a helper replace each other' do
    helped = described_class.merge(described_class.merge(nil, 'a', login: login), 'a', helper: 'pass')
    expect(JSON.parse(helped)).to eq('credHelpers' => { 'a' => 'pass' })
    expect(merged(helped, 'a', login: login)).to eq('auths' => { 'a' => login })
  end

  it 'removes one login and leaves the others' do
    both = described_class.merge(described_class.merge(nil, 'a', login: login), 'b', login: login)
    one = described_class.merge(both, 'a')
    expect(JSON.parse(one)).to eq('auths' => { 'b' => login })
    expect(JSON.parse(described_class.merge(one, 'b'))).to eq({})
    expect(described_class.merge(one, 'c')).to be(one)
  end

  {
    'registry.example.com:5000' => 'registry.example.com:5000',
    'https://registry.example.com/v2/' => 'registry.example.com',
    'docker.io' => 'https://index.docker.io/v1/',
    'https://index.docker.io/v1/' => 'https://index.docker.io/v1/',
  }.each do |name, key|
    it("knows #{name} as #{key}") { expect(described_class.key(name)).to eq(key) }
  end

  it 'says what is wrong with a file without showing what is in it' do
    expect { described_class.merge('{"auths": secret', 'a', file: '/x') }
      .to raise_error(ArgumentError, '/x is not JSON: correct or remove it')
    expect { described_class.merge('[]', 'a', file: '/x') }.to raise_error(ArgumentError, %r{/x is not a JSON object})
  end

  it 'refuses a user that no registry would understand' do
    expect { described_class.login(username: 'a:b', password: 'x') }.to raise_error(ArgumentError, /colon/)
    expect { described_class.key('https://') }.to raise_error(ArgumentError, /not the name of a registry/)
  end
end
