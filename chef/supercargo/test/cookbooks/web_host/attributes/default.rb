# frozen_string_literal: true

# Where a package of the agent is; nil: where apt finds one.
default['web_host']['package_source'] = nil
default['web_host']['manifest_url'] = 'file:///srv/supercargo/staging.json'
