# frozen_string_literal: true

name             'supercargo'
maintainer       'supercargo contributors'
maintainer_email 'maintainers@example.com'
license          'MIT'
description      'Installs the supercargo agent, and says which services a Docker host runs and how'
version          '0.1.0'
# The project has no public home yet: these are to be set where it gets one.
source_url       'https://git.example.com/supercargo'
issues_url       'https://git.example.com/supercargo/issues'
chef_version     '>= 16.0'

supports 'debian'
supports 'ubuntu'
