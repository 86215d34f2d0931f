# frozen_string_literal: true

# Where a package of the agent is; nil: where apt finds one.
default['web_host']['package_source'] = nil
default['web_host']['manifest_url'] = 'file:///srv/supercargo/manifests/staging.json'
# What the service runs, and the version that web_host::publish publishes.
default['web_host']['image'] = 'docker.io/library/nginx'
default['web_host']['version'] = '1.27.4'
