# frozen_string_literal: true

require 'spec_helper'
require 'yaml'

RSpec.describe Supercargo::Cookbook::ComposeYaml do
  it 'writes what a person would write' do
    service = {
      image: 'registry.example.com/org/web', ports: ['80:8888'], environment: { NODE_ENV: 'production' }, restart: 'always',
      logging: { driver: 'syslog' }, deploy: { replicas: 2 }, init: true, command: [], entrypoint: nil
    }
    expect(described_class.render({ services: { web: service } })).to eq(<<~YAML)
      services:
        web:
          command: []
          deploy:
            replicas: 2
          entrypoint: null
          environment:
            NODE_ENV: production
          image: registry.example.com/org/web
          init: true
          logging:
            driver: syslog
          ports:
          - "80:8888"
          restart: always
    YAML
  end

  # Numbers, times, truths and nothing of YAML 1.1 or 1.2; what begins a comment, an anchor, a tag, a document or a key.
  [
    '', '1', '1.10', '010', '1e3', '0x1f', '0o17', '1_000', '22:22', '1:30:00', '.5', '-1', '+1', '.inf', '.nan', '2026-11-25', 'no', 'On',
    'Y', 'NULL', '~', 'true', 'null', ' x', 'x ', 'a: b', 'a #b', '#', '&a', '*a', '!a', '- a', '-', '---', '...', '? a', '@a', '`a', '%a',
    '{a', '[a', 'a,b', '"', "'", '\\', "two\nlines\n", "\t", "\u0000", "\u00e9", "\u2028", '=', '<<', 'a:', 'http://x:80/y?z=1', '$$HOME'
  ].each do |text|
    it "keeps #{text.inspect} a text, as a value and as a name" do
      yaml = described_class.render({ text => [text] })
      expect(YAML.safe_load(yaml)).to eq(text => [text])
      expect(yaml).to match(/\A(?:\? )?(?:"|[A-Za-z])/)
    end
  end

  it 'does not depend on the order in which attributes were merged' do
    one = described_class.render({ a: { b: 1, c: [2] }, d: 3 })
    expect(described_class.render({ d: 3, a: { c: [2], b: 1 } })).to eq(one)
  end

  it 'does not break long text' do
    text = 'word ' * 60
    expect(described_class.render({ a: text }).lines.length).to be(1)
  end
end
