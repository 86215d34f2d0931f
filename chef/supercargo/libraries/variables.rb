# frozen_string_literal: true

require_relative 'plain'

module Supercargo
  module Cookbook
    # The names in agent.env, those of docs/CONFIGURATION.md.
    module Variables
      # What a property of supercargo_agent sets, and therefore `env` may not.
      PROPERTIES = {
        'SUPERCARGO_ENVIRONMENT' => 'environment',
        'SUPERCARGO_MANIFEST_URL' => 'manifest_url',
        'SUPERCARGO_COMPOSE' => 'instance',
        'SUPERCARGO_TRUST' => 'trust_json',
        'SUPERCARGO_ALLOW_UNSIGNED' => 'allow_unsigned',
        'SUPERCARGO_MANIFEST_CREDENTIALS' => 'manifest_credentials',
        'SUPERCARGO_CA' => 'ca',
        'SUPERCARGO_CLIENT_CERT' => 'client_cert',
        'SUPERCARGO_CLIENT_KEY' => 'client_key',
        'SUPERCARGO_STATE_DIR' => 'instance',
        'SUPERCARGO_SOCKET' => 'instance',
        'SUPERCARGO_REPORT_URL' => 'report_url',
        'SUPERCARGO_REPORT_TOKEN' => 'report_token',
        'SUPERCARGO_REPORT_TOKEN_FILE' => 'report_token',
        'SUPERCARGO_LABELS' => 'labels',
        'SUPERCARGO_TURNS' => 'turns',
        'SUPERCARGO_HEALTH_LISTEN' => 'health_listen',
        'SUPERCARGO_HEALTH_LEAD' => 'health_lead',
        'DOCKER_CONFIG' => 'docker_config',
      }.freeze

      # What `env` is for.
      OTHERS = %w(
        SUPERCARGO_HOST SUPERCARGO_POLL SUPERCARGO_WINDOW SUPERCARGO_KEEP_RELEASES SUPERCARGO_EDGE_IMAGE
        SUPERCARGO_EDGE_MODE SUPERCARGO_EDGE_TRUSTED_PROXIES SUPERCARGO_LOG_LEVEL SUPERCARGO_LOG_FORMAT
        SUPERCARGO_METRICS_FILE SUPERCARGO_REGISTRY_MIRRORS SUPERCARGO_ARCHIVES DOCKER_HOST DOCKER_TLS_VERIFY
        DOCKER_CERT_PATH
      ).freeze

      module_function

      # `env` as text by name, nil where it is to be left out. A name that is none of ours is for Node, e.g.
      # NODE_EXTRA_CA_CERTS.
      def of(env)
        Plain.copy(env).to_h do |name, value|
          check(name)
          raise ArgumentError, "env: #{name} is a #{value.class}: write a text, a number, true or false" if value.respond_to?(:each)

          [name, value&.to_s]
        end
      end

      def check(name)
        property = PROPERTIES[name]
        raise ArgumentError, "env: #{name} belongs to the property #{property} of supercargo_agent" if property
        raise ArgumentError, "env: \"#{name}\" is no name of a variable" unless name.match?(/\A[A-Za-z_]\w*\z/)
        return if OTHERS.include?(name) || !name.start_with?('SUPERCARGO_')

        raise ArgumentError, "env: there is no variable #{name}; there are #{OTHERS.join(', ')}"
      end
      private_class_method :check
    end
  end
end
