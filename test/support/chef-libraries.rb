# frozen_string_literal: true

# What the cookbook's libraries write: JSON on standard input, JSON on standard output.
require 'json'
require 'open3'
%w[agent_config compose_yaml docker_config env_file service_files stage variables].each do |library|
  require_relative "../../chef/supercargo/libraries/#{library}"
end

include Supercargo::Cookbook # rubocop:disable Style/MixinUsage

# What a resource does with a set of services in a folder: [exit code, output], and the files that are there afterwards.
Place = Struct.new(:folder) do
  def compose_file(service)
    "#{folder}/compose.d/#{service}.yaml"
  end
end
Shared = Struct.new(:networks, :volumes, :secrets, :configs, :extensions, keyword_init: true) do
  def to_s
    'supercargo_services[test]'
  end
end

def converge(folder, program, wanted)
  sections = %i[networks volumes secrets configs extensions].to_h { |section| [section, wanted[section.to_s] || {}] }
  set = ServiceFiles.new(Shared.new(**sections), wanted['services'], Place.new(folder))
  removed = set.removed(purge: true)
  stage = Stage.new(folder, files: set.files, removed: removed)
  output, status = stage.open { |staged| Open3.capture2e(program, 'validate', '--compose', staged, '--as', folder) }
  if status.success?
    FileUtils.mkdir_p("#{folder}/compose.d")
    set.files.each { |path, text| File.write(path, text) }
    FileUtils.rm(removed)
  end
  [status.exitstatus, output, Dir.glob("#{folder}/compose.d/*").map { |path| File.basename(path) }.sort]
end

asked = JSON.parse($stdin.read)
written = {
  yaml: asked['compose'].map { |hash| ComposeYaml.render(hash) },
  env: asked['env'].map do |variables|
    EnvFile.render(variables)
  rescue ArgumentError => e
    { refused: e.message }
  end,
  logins: asked['logins'].inject(nil) do |text, (registry, login)|
    DockerConfig.merge(text, registry, login: DockerConfig.login(**login.transform_keys(&:to_sym)))
  end,
  sets: asked['sets'].map { |wanted| converge(asked['folder'], asked['program'], wanted) },
  variables: { properties: Variables::PROPERTIES, others: Variables::OTHERS }
}
puts JSON.generate(written)
