# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::Labels do
  {
    { 'zone' => 'a=b' } => /labels: the value of zone is "a=b"/,
    { 'zone' => 'a,b' } => /labels: the value of zone is "a,b"/,
    { 'zone' => '' } => /labels: the value of zone is ""/,
    { 'zone' => %w(a b) } => /labels: the value of zone is \["a", "b"\]/,
    { 'zo ne' => 'a' } => /labels: "zo ne" is no name/,
    { 'zone' => 'a', zone: 'b' } => /zone is there twice/,
    %w(zone=a) => /labels is a Array: write a hash or a text/,
  }.each do |labels, message|
    it("refuses #{labels}") { expect { described_class.text(labels) }.to raise_error(ArgumentError, message) }
  end
end
