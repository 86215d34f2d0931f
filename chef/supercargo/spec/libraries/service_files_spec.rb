# frozen_string_literal: true

require 'spec_helper'
require 'tmpdir'

RSpec.describe Supercargo::Cookbook::ServiceFiles do
  resource = Struct.new(:networks, :volumes, :secrets, :configs, :extensions, keyword_init: true) do
    def to_s
      'supercargo_services[staging]'
    end
  end
  layout = Struct.new(:folder) do
    def compose_file(service)
      "#{folder}/#{service}.yaml"
    end
  end

  around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

  def put(name, text)
    File.write("#{@folder}/#{name}.yaml", text)
  end

  define_method(:set) do |services, **shared|
    empty = { networks: {}, volumes: {}, secrets: {}, configs: {}, extensions: {} }
    described_class.new(resource.new(**empty, **shared), services, layout.new(@folder))
  end

  def names(paths)
    paths.map { |path| File.basename(path, '.yaml') }
  end

  let(:mark) { "# Written by Chef: supercargo_services[staging]. Changes here are lost.\n" }

  it 'writes one file a service, and one for what they share' do
    files = set({ 'web' => { 'image' => 'x' }, 'api' => { 'image' => 'org/api' } }, networks: { 'back' => {} }).files
    expect(files.transform_keys { |path| File.basename(path) }).to eq(
      'api.yaml' => "#{mark}services:\n  api:\n    image: org/api\n",
      'web.yaml' => "#{mark}services:\n  web:\n    image: x\n",
      'shared.yaml' => "#{mark}networks:\n  back: {}\n"
    )
  end

  it 'puts a service and its migration into one file, named after the service' do
    services = {
      'web' => { 'depends_on' => { 'migrate' => {} } }, 'migrate' => { 'x-supercargo' => { 'version-from' => 'web' } }, 'api' => {}
    }
    files = set(services).files
    expect(names(files.keys)).to eq(%w(api web))
    expect(files["#{@folder}/web.yaml"]).to include("\n  migrate:\n", "\n  web:\n")
  end

  it 'lets a service be named like the file of what is shared' do
    text = set({ 'shared' => { 'image' => 'x' } }, networks: { 'back' => {} }).files["#{@folder}/shared.yaml"]
    expect(text).to end_with("networks:\n  back: {}\nservices:\n  shared:\n    image: x\n")
  end

  it 'purges what the set once wrote, and nothing else' do
    put('web', "#{mark}services: {}\n")
    put('gone', "#{mark}services: {}\n")
    put('other', "# Written by Chef: supercargo_services[other]. Changes here are lost.\n")
    put('single', "# Written by Chef: supercargo_service[single]. Changes here are lost.\n")
    put('person', "services: {}\n")
    expect(names(set({ 'web' => {} }).removed(purge: true))).to eq(%w(gone))
    expect(set({ 'web' => {} }).removed(purge: false)).to eq([])
  end

  it 'removes what is false, whatever wrote it, where it is there' do
    put('person', "services: {}\n")
    expect(names(set({ 'person' => false, 'none' => nil }).removed(purge: false))).to eq(%w(person))
  end
end
