# frozen_string_literal: true

# A real host has trust_json and secrets from a vault: report_token data_bag_item('supercargo', node.chef_environment)['report_token']
supercargo_agent 'staging' do
  manifest_url node['web_host']['manifest_url']
  allow_unsigned true
  package_source node['web_host']['package_source'] if node['web_host']['package_source']
end

supercargo_registry 'registry.example.com' do
  username 'ci'
  password 'not-a-secret'
end

supercargo_service 'web' do
  definition(
    image: node['web_host']['image'], # without a tag: the manifest says which version
    ports: ['80:80'],
    environment: { NODE_ENV: 'production' },
    env_file: 'web.env',
    restart: 'always',
    logging: { driver: 'syslog' }
  )
  files 'web.env' => "SESSION_SECRET=not-a-secret\n"
end
