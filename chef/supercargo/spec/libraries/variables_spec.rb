# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::Variables do
  it 'takes numbers, truths and symbols for the text that they are written as' do
    expect(described_class.of({ SUPERCARGO_KEEP_RELEASES: 3, 'DOCKER_TLS_VERIFY' => true, 'SUPERCARGO_HOST' => nil })).to eq(
      'SUPERCARGO_KEEP_RELEASES' => '3', 'DOCKER_TLS_VERIFY' => 'true', 'SUPERCARGO_HOST' => nil
    )
  end

  it 'leaves to Node what is for Node' do
    expect(described_class.of({ 'NODE_EXTRA_CA_CERTS' => '/x' })).to eq('NODE_EXTRA_CA_CERTS' => '/x')
  end

  {
    'SUPERCARGO_POL' => /there is no variable SUPERCARGO_POL; there are SUPERCARGO_HOST, SUPERCARGO_POLL/,
    'SUPERCARGO_ENVIRONMENT' => /belongs to the property environment/,
    'SUPERCARGO_LABELS' => /belongs to the property labels/,
    'SUPERCARGO_TURNS' => /belongs to the property turns/,
    'SUPERCARGO_HEALTH_LISTEN' => /belongs to the property health_listen/,
    'SUPERCARGO_REPORT_TOKEN' => /belongs to the property report_token/,
    'A B' => /no name of a variable/,
  }.each do |name, message|
    it("refuses #{name}") { expect { described_class.of({ name => 'x' }) }.to raise_error(ArgumentError, message) }
  end

  it 'refuses lists' do
    expect { described_class.of({ 'SUPERCARGO_WINDOW' => ['x'] }) }.to raise_error(ArgumentError, /SUPERCARGO_WINDOW is a Array/)
  end
end
