# frozen_string_literal: true

require_relative 'layout'
require_relative 'stage'

module Supercargo
  module Cookbook
    # For the actions of resources: new files are judged together, by the program that will read them, before
    # the first is written.
    module Check
      # Not `verify` of each file: it sees the file alone, under a temporary name, and where it fails, Chef
      # keeps a copy, secrets included. Yields the folder with the new files to be judged; the block returns
      # the options of supercargo validate.
      def supercargo_validate!(layout, files, removed = [])
        stage = Stage.new(layout.folder, files: files, removed: removed)
        return if whyrun_mode? || !stage.changes? || !supercargo_judges?

        stage.open do |folder|
          checked = supercargo_validate(layout, *yield(folder), '--as', layout.folder)
          raise "#{new_resource} stays as it was, since supercargo validate refuses the change:\n#{words(checked)}" if checked.error?
        end
      end

      # as: a program that runs it as another user.
      def supercargo_validate(layout, *arguments, as: [])
        shell_out(*as, *layout.command('validate', *arguments), environment: { 'NO_COLOR' => '1' })
      end

      def words(command)
        "#{command.stdout}#{command.stderr}".strip
      end

      # Without the program nothing runs here yet: the agent looks at everything when it starts. An agent that
      # is older than the cookbook cannot judge a whole folder.
      def supercargo_judges?
        return true if ::File.executable?(Layout::PROGRAM) && shell_out(Layout::PROGRAM, 'validate', '--help').stdout.include?('--env')

        Chef::Log.warn("#{new_resource}: #{Layout::PROGRAM} is not installed, or older than this cookbook: new files are not checked")
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
