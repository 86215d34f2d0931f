# frozen_string_literal: true

require 'spec_helper'

RSpec.describe Supercargo::Cookbook::AptPolicy do
  known = <<~POLICY
    supercargo:
      Installed: 1.1.0
      Candidate: 1.2.0-1
      Version table:
         1.2.0-1 500
            500 http://deb.example.com stable/main amd64 Packages
     *** 1.1.0 100
            100 /var/lib/dpkg/status
  POLICY

  { nil => true, '1.2.0-1' => true, '1.1.0' => true, '1.2.0' => false, '500' => false, '1.3.0' => false }.each do |version, expected|
    it("#{expected ? 'knows' : 'does not know'} #{version || 'any version'}") do
      expect(described_class.known?(known, version)).to be(expected)
    end
  end

  it 'knows none where there is no candidate' do
    none = "supercargo:\n  Installed: (none)\n  Candidate: (none)\n  Version table:\n"
    expect([none, ''].map { |text| described_class.known?(text, nil) }).to eq([false, false])
  end
end
