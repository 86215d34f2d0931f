# frozen_string_literal: true

module Supercargo
  module Cookbook
    # Where things are on a host: one agent has /etc/supercargo, each further one (an instance, named after
    # its environment) a folder below it.
    class Layout
      PROGRAM = '/usr/bin/supercargo'
      ROOT = '/etc/supercargo'
      COMPOSE_FILES = '{compose.{yaml,yml},compose.d/*.{yaml,yml}}'
      DOCKER_CONFIG = "#{ROOT}/docker"
      # Below /etc/supercargo, and therefore no names of instances.
      TAKEN = %w(compose.d docker).freeze

      attr_reader :folder, :unit

      # instance: the name of a further environment; nil: the first.
      def initialize(instance = nil)
        raise ArgumentError, "an instance cannot be named #{instance}: that folder has another use" if TAKEN.include?(instance)

        @instance = instance
        @folder = instance ? "#{ROOT}/#{instance}" : ROOT
        @unit = instance ? "supercargo@#{instance}" : 'supercargo'
      end

      def env_file
        "#{folder}/agent.env"
      end

      def trust_file
        "#{folder}/trust.json"
      end

      def compose_file(service)
        "#{folder}/compose.d/#{service}.yaml"
      end

      # Of a call of the program for this agent.
      def command(*arguments)
        [PROGRAM, *(@instance ? ['--instance', @instance] : []), *arguments]
      end

      # Whether no other agent is configured on this host. The package and the logins are for all of them.
      def alone?
        (::Dir.glob("#{ROOT}/{,*/}agent.env") - [env_file]).empty?
      end

      # Whether there is any compose file yet.
      def compose?
        ::Dir.glob("#{folder}/#{COMPOSE_FILES}").any?
      end

      # Beside the unit, for what this host has otherwise than the package.
      def drop_in
        "/etc/systemd/system/#{unit}.service.d/chef.conf"
      end

      # The defaults are those of the first agent.
      def variables
        return {} unless @instance

        {
          'SUPERCARGO_COMPOSE' => folder,
          'SUPERCARGO_TRUST' => trust_file,
          'SUPERCARGO_STATE_DIR' => "/var/lib/supercargo/instances/#{@instance}",
          'SUPERCARGO_SOCKET' => "/run/supercargo-#{@instance}/agent.sock",
        }
      end
    end
  end
end
