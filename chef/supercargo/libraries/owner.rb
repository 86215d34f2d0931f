# frozen_string_literal: true

require 'etc'
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

      # Of the folder of one agent, or else that of its user.
      def group(folder, user)
        group = ::File.stat(folder).gid
        group.zero? ? primary_group(user) : ::Etc.getgrgid(group).name
      rescue Errno::ENOENT, ArgumentError
        primary_group(user)
      end

      # A user that is there keeps its group; for a new one a group of the same name is made.
      def primary_group(user)
        ::Etc.getgrgid(::Etc.getpwnam(user).gid).name
      rescue ArgumentError
        user
      end
    end
  end
end
