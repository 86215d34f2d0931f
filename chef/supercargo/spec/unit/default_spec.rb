# frozen_string_literal: true

require 'chef_helper'

RSpec.describe 'supercargo::default' do
  platform 'debian', '12'

  agent = { 'manifest_url' => 'https://deploy.example.com/manifests/staging.json', 'trust_json' => { 'epoch' => 1 } }
  web = { 'image' => 'org/web', 'depends_on' => { 'migrate' => { 'condition' => 'service_completed_successfully' } } }
  migrate = { 'image' => 'org/web', 'restart' => 'no', 'x-supercargo' => { 'version-from' => 'web' } }

  context 'with attributes for everything' do
    default_attributes['supercargo'] = {
      'environment' => 'staging', 'agent' => agent, 'shared' => { 'networks' => { 'back' => {} } },
      'registries' => { 'registry.example.com' => { 'username' => 'ci', 'password' => 'secret' }, 'old.example.com' => false },
      'services' => { 'web' => web, 'migrate' => migrate, 'gone' => false }
    }

    it { is_expected.to create_supercargo_agent('staging').with(trust_json: { 'epoch' => 1 }) }
    it { is_expected.to create_supercargo_registry('registry.example.com').with(username: 'ci') }
    it { is_expected.to remove_supercargo_registry('old.example.com') }
    it 'declares the whole set, in which false removes' do
      is_expected.to create_supercargo_services('staging').with(
        services: { 'web' => web, 'migrate' => migrate, 'gone' => false }, networks: { 'back' => {} }, purge: true
      )
    end
  end

  context 'with no more than it needs' do
    default_attributes['supercargo'] = { 'environment' => 'staging', 'agent' => agent }

    it { is_expected.to create_supercargo_agent('staging') }
    it { is_expected.to create_supercargo_services('staging').with(services: {}) }
  end

  {
    'an environment' => [{}, /\['environment'\] is not set/],
    'a manifest' => [{ 'environment' => 'staging' }, /\['manifest_url'\] is not set/],
    'right names' => [
      { 'environment' => 'staging', 'agent' => { 'manifest_url' => 'https://x', 'truts' => {} } },
      /has no property of supercargo_agent: truts; there are .*trust_json/,
    ],
  }.each do |what, (values, message)|
    context "without #{what}" do
      default_attributes['supercargo'] = values

      it { expect { chef_run }.to raise_error(RuntimeError, message) }
    end
  end
end
