# frozen_string_literal: true

require 'tsort'

module Supercargo
  module Cookbook
    # Which services share a file, and in which order the files are valid with those that are there already: one service a file, after those
    # that it needs. Services that need each other (a service and its migration, say) can only be right in one file.
    class ServiceFiles
      include TSort

      # services: name => Compose service. Answers [name of the file, names of the others in it], in order.
      def self.of(services)
        new(services).files
      end

      def initialize(services)
        @services = services
      end

      # Named after the service whose version counts.
      def files
        strongly_connected_components.map do |names|
          own = names.min_by { |name| [version_from(name) ? 1 : 0, name] }
          [own, (names - [own]).sort]
        end
      end

      private

      def tsort_each_node(&block)
        @services.keys.sort.each(&block)
      end

      def tsort_each_child(name, &block)
        needed(name).select { |other| @services.key?(other) }.sort.each(&block)
      end

      def needed(name)
        dependencies = @services[name]['depends_on'] || []
        names = dependencies.respond_to?(:keys) ? dependencies.keys : Array(dependencies)
        [*names, version_from(name)].compact
      end

      def version_from(name)
        own = @services[name]['x-supercargo']
        own && own['version-from']
      end
    end
  end
end
