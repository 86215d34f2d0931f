# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::Plain do
  it 'makes symbols text, at every depth, and keeps the order' do
    copied = described_class.copy({ b: [{ c: :d }, nil, true], 'a' => 1.5 })
    expect(copied).to eq('b' => [{ 'c' => 'd' }, nil, true], 'a' => 1.5)
    expect(copied.keys).to eq(%w(b a))
  end

  it 'leaves the original alone' do
    original = { 'a' => ['x'] }
    described_class.copy(original)['a'] << 'y'
    expect(original).to eq('a' => ['x'])
  end

  it 'takes subclasses, as node attributes are, for what they are like' do
    text = Class.new(String).new('x')
    expect(described_class.copy(text).class).to be(String)
    expect(described_class.copy(Class.new(Hash)[text, []]).class).to be(Hash)
  end

  it 'refuses one name in two forms, and what is no data' do
    expect { described_class.copy({ 'a' => 1, a: 2 }) }.to raise_error(ArgumentError, /a is there twice/)
    expect { described_class.copy([Object]) }.to raise_error(ArgumentError, /Object \(Class\) is not a text/)
  end

  it 'sorts hashes, not lists' do
    sorted = described_class.sort({ 'b' => [{ 'd' => 1, 'c' => 2 }, 0], 'a' => nil })
    expect(sorted.to_a).to eq([['a', nil], ['b', [{ 'c' => 2, 'd' => 1 }, 0]]])
    expect(sorted['b'][0].keys).to eq(%w(c d))
  end
end
