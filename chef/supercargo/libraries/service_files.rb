# frozen_string_literal: true

require 'tsort'
require_relative 'compose_yaml'

module Supercargo
  module Cookbook
    # The compose files of a set of services: one service a file. Services that need each other (a service and
    # its migration, say) share one, since they change together.
    class ServiceFiles
      include TSort

      SECTIONS = %w(networks volumes secrets configs).freeze
      # The file of what several services use.
      SHARED = 'shared'

      class << self
        # What the properties of a resource define beside services.
        def parts(resource)
          sections = SECTIONS.to_h { |section| [section, resource.public_send(section)] }
          sections.reject { |_, value| value.empty? }.merge(resource.extensions)
        end

        def text(resource, compose)
          "#{mark(resource)} Changes here are lost.\n#{ComposeYaml.render(compose)}"
        end

        # By its first line a file is known as written by this resource.
        def mark(resource)
          "# Written by Chef: #{resource}."
        end
      end

      # services: name => Compose service, or nil or false: it is to be removed.
      def initialize(resource, services, layout)
        @resource = resource
        @services = services.select { |_, service| service }
        @dropped = services.keys - @services.keys
        @layout = layout
      end

      # Path => text.
      def files
        shared = self.class.parts(@resource)
        contents = groups.transform_values { |names| { 'services' => @services.slice(*names) } }
        contents[SHARED] = { **contents.fetch(SHARED, {}), **shared } unless shared.empty?
        contents.to_h { |name, compose| [@layout.compose_file(name), self.class.text(@resource, compose)] }
      end

      # The files that are there and not to stay: of services that are to be removed, and, with purge, all
      # that this resource once wrote.
      def removed(purge:)
        dropped = @dropped.map { |name| @layout.compose_file(name) }
        written = purge ? ::Dir.glob(@layout.compose_file('*')).select { |path| written?(path) } : []
        (dropped | written).select { |path| ::File.exist?(path) } - files.keys
      end

      private

      def written?(path)
        ::File.open(path, &:gets).to_s.start_with?(self.class.mark(@resource))
      rescue SystemCallError
        false
      end

      # Name of the file => names of its services. A file is named after the service whose version counts.
      def groups
        strongly_connected_components.to_h { |names| [names.min_by { |name| [version_from(name) ? 1 : 0, name] }, names.sort] }
      end

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
