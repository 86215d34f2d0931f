# frozen_string_literal: true

name 'supercargo'

run_list 'supercargo::default'
named_run_list :web_host, 'web_host::default', 'web_host::publish'
named_run_list :attributes, 'supercargo::default', 'web_host::publish'

cookbook 'supercargo', path: '.'
cookbook 'web_host', path: 'test/cookbooks/web_host'
