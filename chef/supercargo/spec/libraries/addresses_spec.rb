# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::Addresses do
  {
    'https://a' => 'https://a',
    %w(https://a https://b) => 'https://a,https://b',
    %w(https://a) => 'https://a',
    [] => nil,
    nil => nil,
  }.each do |value, text|
    it("writes #{value.inspect}") { expect(described_class.text('report_url', value)).to eq(text) }
  end

  [['https://u:secret@a', 7], ['https://a', ' '], [{}]].each do |value|
    it "refuses #{value}, and shows no address" do
      expect { described_class.text('report_url', value) }.to raise_error(ArgumentError, /\Areport_url: item \d is no address/)
    end
  end
end
