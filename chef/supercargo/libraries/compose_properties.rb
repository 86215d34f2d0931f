# frozen_string_literal: true

require_relative 'layout'
require_relative 'owner'
require_relative 'plain'

module Supercargo
  module Cookbook
    # The properties that supercargo_service and supercargo_services have in common. Not a partial, which Chef
    # 16 finds on old Rubies only.
    module ComposeProperties
      def self.add_to(resource)
        resource.class_eval do
          %i(networks volumes secrets configs).each do |part|
            property part, Hash,
                     default: {},
                     coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
                     description: "The #{part} that the services use, defined beside them."
          end

          property :extensions, Hash,
                   default: {},
                   coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
                   description: 'x-supercargo and other x- keys of the top level.'

          property :files, Hash,
                   default: {},
                   sensitive: true,
                   coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
                   description: 'Files that the services refer to, for example as env_file or secret: path (relative to the folder) ' \
                                '=> text. They are written before the services, for the user of the agent alone.'

          property :files_mode, String,
                   default: '0600'

          property :instance, String,
                   description: 'The further environment on this host that runs the services; not set: the first.'

          property :user, String,
                   default: lazy { Supercargo::Cookbook::Owner.user },
                   default_description: 'the user of the agent'

          property :group, String,
                   default: lazy { Supercargo::Cookbook::Owner.group(Supercargo::Cookbook::Layout.new(instance).folder, user) },
                   default_description: 'the group of the agent'

          property :validate_first, [true, false],
                   default: true,
                   description: 'Let supercargo validate judge the change, with the other files, before anything is written.'
        end
      end
    end
  end
end
