# frozen_string_literal: true

module Supercargo
  module Cookbook
    # For the actions of resources.
    module Folders
      # One that the agent may look into, and only Chef writes to.
      def write_folder(path)
        directory path do
          owner 'root'
          group new_resource.group
          mode '0750'
        end
      end
    end
  end
end
