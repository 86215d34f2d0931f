# frozen_string_literal: true

require 'json'

module Supercargo
  module Cookbook
    # The logins in DOCKER_CONFIG/config.json. What others wrote there stays.
    module DockerConfig
      HUB = 'https://index.docker.io/v1/'
      HUB_NAMES = %w(docker.io index.docker.io registry-1.docker.io).freeze

      module_function

      # The key of a registry: its name and port. Docker Hub has had a name of its own for ever.
      def key(registry)
        name = registry.sub(%r{\Ahttps?://}, '').sub(%r{/.*\z}m, '')
        raise ArgumentError, "\"#{registry}\" is not the name of a registry, for example registry.example.com:5000" if name.empty?

        HUB_NAMES.include?(name) ? HUB : name
      end

      # An entry of `auths`. With an identity token docker keeps the user beside it, and an empty password.
      def login(username:, password: nil, identity_token: nil)
        raise ArgumentError, 'the name of the user holds a colon, which ends it' if username.include?(':')

        entry = { 'auth' => ["#{username}:#{password}"].pack('m0') }
        identity_token.nil? ? entry : entry.merge('identitytoken' => identity_token)
      end

      # The new text of the file: with this login or credential helper for the registry, or, with neither,
      # without any. The same text where nothing changes, however it is laid out.
      def merge(text, registry, login: nil, helper: nil, file: 'config.json')
        before = parse(text, file)
        after = put(put(before, 'auths', key(registry), login), 'credHelpers', key(registry), helper)
        return text if after == before && !text.nil?

        "#{JSON.pretty_generate(after)}\n"
      end

      def put(config, member, name, value)
        entries = config[member] || {}
        entries = value.nil? ? entries.reject { |other, _| other == name } : entries.merge(name => value)
        return config.reject { |other, _| other == member } if entries.empty? && config[member].to_h.any?
        return config if entries.empty?

        config.merge(member => entries.sort.to_h)
      end
      private_class_method :put

      # Without the text in the message: it holds passwords.
      def parse(text, file)
        config = text.nil? || text.strip.empty? ? {} : JSON.parse(text)
        raise ArgumentError, "#{file} is not a JSON object: correct or remove it" unless config.is_a?(Hash)

        config
      rescue JSON::ParserError
        raise ArgumentError, "#{file} is not JSON: correct or remove it"
      end
      private_class_method :parse
    end
  end
end
