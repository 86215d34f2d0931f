# frozen_string_literal: true

# The environment whose manifest this host follows. It has to be set.
default['supercargo']['environment'] = nil

# Properties of supercargo_agent by their names: manifest_url, trust_json, package_source, env and so on.
# Secrets have no place in attributes: use the resource in a wrapper cookbook for them.
default['supercargo']['agent'] = {}

# Registries by name, with the properties of supercargo_registry; false: its login is removed.
default['supercargo']['registries'] = {}

# Services by name, each as in the Compose Specification; false: it is removed.
default['supercargo']['services'] = {}

# true: the file of a service that is not among them any more is removed, and the agent stops it.
default['supercargo']['purge'] = true

# What several services use, as properties of supercargo_services: networks, volumes, secrets, configs, extensions.
default['supercargo']['shared'] = {}
