# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::UnitState do
  { 'active' => true, 'reloading' => true, 'activating' => false, 'inactive' => false, 'failed' => false }.each do |state, expected|
    it("takes a unit that is #{state} for #{expected ? 'running' : 'one to start'}") do
      expect(described_class.running?("ActiveState=#{state}\n")).to be(expected)
    end
  end
end
