# frozen_string_literal: true

require_relative 'layout'

module Supercargo
  module Cookbook
    # Whose the agent's files are, as supercargo_agent has left it: so that its `user` is said once.
    module Owner
      DEFAULT = 'deploy'

      module_function

      def user(folder = Layout::DOCKER_CONFIG)
        owner = ::File.stat(folder).uid
        owner.zero? ? DEFAULT : ::Etc.getpwuid(owner).name
      rescue Errno::ENOENT, ArgumentError
        DEFAULT
      end

      # Of the folder of one agent, or else the group named like the user.
      def group(folder, user)
        group = ::File.stat(folder).gid
        group.zero? ? user : ::Etc.getgrgid(group).name
      rescue Errno::ENOENT, ArgumentError
        user
      end
    end
  end
end
