# frozen_string_literal: true

# For the tests: what a build server does, here on the host, into the folder that the manifest is read from.
execute 'publish a version' do
  command [
    '/usr/bin/supercargo', 'publish', 'staging', "web=#{node['web_host']['image']}:#{node['web_host']['version']}",
    '--to', '/srv/supercargo', '--create', '--insecure-unsigned'
  ]
  creates '/srv/supercargo/manifests/staging.json'
end
