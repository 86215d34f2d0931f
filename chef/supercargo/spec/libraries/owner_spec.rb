# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::Owner do
  def user(name, group)
    allow(Etc).to receive(:getpwnam).with(name).and_return(Struct.new(:gid).new(4711))
    allow(Etc).to receive(:getgrgid).with(4711).and_return(Struct.new(:name).new(group))
  end

  it 'keeps the group that a user has already' do
    user('deploy', 'users')
    expect(described_class.primary_group('deploy')).to eq('users')
    expect(described_class.group('/nowhere', 'deploy')).to eq('users')
  end

  it 'names the group of a new user like the user' do
    allow(Etc).to receive(:getpwnam).with('deploy').and_raise(ArgumentError)
    expect(described_class.primary_group('deploy')).to eq('deploy')
  end
end
