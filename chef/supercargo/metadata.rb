# frozen_string_literal: true

name             'supercargo'
maintainer       'supercargo contributors'
maintainer_email 'maintainers@supercargo.invalid'
license          'MIT'
description      'Installs the supercargo agent, and says which services a Docker host runs and how'
version          '0.1.0'
chef_version     '>= 16.0'

supports 'debian'
supports 'ubuntu'
