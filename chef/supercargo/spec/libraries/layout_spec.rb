# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::Layout do
  def configured(*folders)
    allow(Dir).to receive(:glob).with('/etc/supercargo/{,*/}agent.env').and_return(folders.map { |folder| "#{folder}/agent.env" })
  end

  it 'knows whether its agent is the only one of the host' do
    configured('/etc/supercargo')
    expect([described_class.new.alone?, described_class.new('staging').alone?]).to eq([true, false])
    configured('/etc/supercargo/staging')
    expect([described_class.new.alone?, described_class.new('staging').alone?]).to eq([false, true])
    configured
    expect(described_class.new.alone?).to be(true)
  end

  it 'names the instance to the program' do
    expect(described_class.new('staging').command('status')).to eq(%w(/usr/bin/supercargo --instance staging status))
    expect(described_class.new.command('status')).to eq(%w(/usr/bin/supercargo status))
  end
end
