# frozen_string_literal: true

name         'web_host'
maintainer   'supercargo contributors'
license      'MIT'
description  'How a cookbook of your own uses supercargo: one web application, and nothing that a node has to know'
version      '0.1.0'
chef_version '>= 16.0'

depends 'supercargo'
