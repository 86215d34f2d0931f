# frozen_string_literal: true

require 'chef_helper'

RSpec.describe 'supercargo_services' do
  step_into :supercargo_services
  platform 'debian', '12'

  mark = "# Written by Chef: supercargo_services[staging]. Changes here are lost.\n"

  context 'with a set' do
    recipe do
      supercargo_services 'staging' do
        services web: { image: 'org/web', networks: ['back'] }, gone: false
        networks back: {}
        files 'web.env' => 'A=1'
      end
    end

    before do
      folder = '/etc/supercargo/compose.d'
      allow(Dir).to receive(:glob).and_call_original
      allow(Dir).to receive(:glob).with("#{folder}/*.yaml").and_return(["#{folder}/old.yaml"])
      allow(File).to receive(:open).and_call_original
      allow(File).to receive(:open).with("#{folder}/old.yaml").and_return(mark)
      %w(old gone).each { |name| allow(File).to receive(:exist?).with("#{folder}/#{name}.yaml").and_return(true) }
    end

    it 'writes a file a service, and one for what they share' do
      is_expected.to create_file('/etc/supercargo/compose.d/web.yaml').with(content: <<~YAML)
        #{mark.chomp}
        services:
          web:
            image: org/web
            networks:
            - back
      YAML
      is_expected.to create_file('/etc/supercargo/compose.d/shared.yaml').with(content: "#{mark}networks:\n  back: {}\n")
      is_expected.to create_file('/etc/supercargo/web.env').with(sensitive: true)
    end

    it 'removes what is false, and what it once wrote' do
      is_expected.to delete_file('/etc/supercargo/compose.d/gone.yaml')
      is_expected.to delete_file('/etc/supercargo/compose.d/old.yaml')
    end
  end
end
