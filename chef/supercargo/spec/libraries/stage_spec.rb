# frozen_string_literal: true

require 'spec_helper'
require 'tmpdir'

RSpec.describe Supercargo::Cookbook::Stage do
  around { |example| Dir.mktmpdir { |folder| (@folder = folder) && example.run } }

  def put(name, text = '')
    path = "#{@folder}/#{name}"
    FileUtils.mkdir_p(File.dirname(path))
    File.write(path, text)
    path
  end

  def staged(**change)
    described_class.new(@folder, **change).open do |stage|
      found = Dir.glob("#{stage}/**/*").select { |path| File.symlink?(path) || File.file?(path) }
      found.sort.to_h { |path| [path.delete_prefix("#{stage}/"), File.exist?(path) ? File.read(path) : nil] }
    end
  end

  it 'has the new files, and the compose files that stay' do
    put('compose.yaml', 'main')
    put('compose.d/old.yml', 'old')
    put('agent.env', 'not staged')
    web = put('compose.d/web.yaml', 'before')
    expect(staged(files: { web => 'after', "#{@folder}/web.env" => 'A=1' })).to eq(
      'compose.yaml' => 'main', 'compose.d/old.yml' => 'old', 'compose.d/web.yaml' => 'after', 'web.env' => 'A=1'
    )
  end

  it 'leaves removed compose files out, and hides other removed files' do
    web = put('compose.d/web.yaml')
    trust = put('trust.json')
    expect(staged(removed: [web, trust])).to eq('trust.json' => nil)
  end

  it 'is for its user alone, and gone afterwards' do
    mode, path = described_class.new(@folder).open { |stage| [File.stat(stage).mode & 0o777, stage] }
    expect([mode, File.exist?(path)]).to eq([0o700, false])
  end

  it 'knows whether anything changes' do
    web = put('web', "\xE9".b)
    change = ->(**files) { described_class.new(@folder, **files).changes? }
    expect(change.call(files: { web => "\xE9" }, removed: ["#{@folder}/none"])).to be(false)
    expect(change.call(files: { web => 'x' })).to be(true)
    expect(change.call(files: { "#{@folder}/new" => '' })).to be(true)
    expect(change.call(removed: [web])).to be(true)
  end
end
