# frozen_string_literal: true

require_relative 'layout'

module Supercargo
  module Cookbook
    # For the actions of resources: a new file is judged by the program that will read it, before it replaces the old one.
    module Check
      # Not `verify` with a command: where that fails, Chef keeps a copy of the file, secrets included, readable for all.
      def supercargo_validate!(*arguments)
        # In why-run mode the files that it refers to are not there yet.
        return true if whyrun_mode? || !supercargo_installed?

        checked = shell_out(Layout::PROGRAM, 'validate', *arguments, environment: { 'NO_COLOR' => '1' })
        return true unless checked.error?

        raise "#{new_resource} stays as it was, since supercargo validate refuses the new one:\n#{checked.stdout}#{checked.stderr}"
      end

      # Without the program nothing runs here yet: the agent looks at everything when it starts.
      def supercargo_installed?
        return true if ::File.executable?(Layout::PROGRAM)

        Chef::Log.warn("#{new_resource}: #{Layout::PROGRAM} is not installed, so that the new file is not checked")
        false
      end

      # A folder or file for the agent's group, which has to be there.
      def require_group(name)
        return if whyrun_mode?

        ::Etc.getgrnam(name)
      rescue ArgumentError
        raise "#{new_resource}: there is no group #{name}: declare supercargo_agent before this resource"
      end
    end
  end
end
