# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::ServiceFiles do
  it 'puts services after those that they need' do
    services = {
      'a' => { 'depends_on' => { 'b' => { 'condition' => 'service_healthy' } } }, 'b' => { 'depends_on' => %w[c elsewhere] }, 'c' => {},
      'd' => { 'x-supercargo' => { 'version-from' => 'a' } }
    }
    expect(described_class.of(services)).to eq([['c', []], ['b', []], ['a', []], ['d', []]])
  end

  it 'puts a service and its migration into one file, named after the service' do
    services = {
      'web' => { 'depends_on' => { 'migrate' => {} } }, 'migrate' => { 'x-supercargo' => { 'version-from' => 'web' } }, 'api' => {}
    }
    expect(described_class.of(services)).to eq([['api', []], ['web', ['migrate']]])
  end
end
