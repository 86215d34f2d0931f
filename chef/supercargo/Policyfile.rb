# frozen_string_literal: true

name 'supercargo'

run_list 'supercargo::default'
named_run_list :web_host, 'web_host::default'

cookbook 'supercargo', path: '.'
cookbook 'web_host', path: 'test/cookbooks/web_host'
