# frozen_string_literal: true

require_relative 'owner'

module Supercargo
  module Cookbook
    # What a host has otherwise than the unit of the package, as a drop-in of systemd.
    module DropIn
      GROUPS = %w(docker).freeze
      # Where the unit lets the agent write anyway.
      WRITABLE = %r{\A/(?:var/lib/supercargo|run/supercargo)/}.freeze

      module_function

      # nil: the unit fits as it is.
      def render(user:, group:, groups:, metrics_file: nil)
        lines = identity(user, group, groups)
        lines << "ReadWritePaths=-#{::File.dirname(metrics_file)}" if metrics_file && !metrics_file.match?(WRITABLE)
        lines.empty? ? nil : "# Written by Chef.\n[Service]\n#{lines.join("\n")}\n"
      end

      def identity(user, group, groups)
        lines = []
        lines << "User=#{user}" if user != Owner::DEFAULT
        lines << "Group=#{group}" if group != user
        # An empty value takes back what the unit says; without one, this would only add.
        lines << 'SupplementaryGroups=' << "SupplementaryGroups=#{groups.join(' ')}" if groups.sort != GROUPS
        lines
      end
      private_class_method :identity
    end
  end
end
