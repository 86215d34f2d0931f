# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::EnvFile do
  {
    'staging' => 'staging',
    '' => '',
    'https://deploy.example.com/manifests/staging.json?a=1&b=2' => 'https://deploy.example.com/manifests/staging.json?a=1&b=2',
    '*/30 * * * * *' => '"*/30 * * * * *"',
    'Mon-Fri 09:00+8h Europe/London; Sat 10:00+90m UTC' => '"Mon-Fri 09:00+8h Europe/London; Sat 10:00+90m UTC"',
    'a#b' => '"a#b"',
    '$HOME `id`' => '"$HOME `id`"',
    "it's" => %("it's"),
    'say "x"' => %q('say "x"'),
    'C:\temp' => %q('C:\temp'),
  }.each do |value, written|
    it("writes #{value.inspect} as #{written}") { expect(described_class.quote('A', value)).to eq(written) }
  end

  it 'refuses what systemd and Node read differently in every form, without showing it' do
    expect { described_class.quote('A', %q(it's a \ secret)) }.to raise_error(ArgumentError) do |error|
      expect(error.message).to match(/A holds an apostrophe/)
      expect(error.message).not_to include('secret')
    end
  end

  ["two\nlines", "\r", "\u0000", "\e[31m"].each do |value|
    it("refuses #{value.inspect}") { expect { described_class.quote('A', value) }.to raise_error(ArgumentError, /A holds a line break/) }
  end

  it 'writes a line for each variable in its order, and none for what is nil' do
    expect(described_class.render({ 'B' => 1, 'A' => nil, 'C' => true })).to eq("B=1\nC=true\n")
  end
end
