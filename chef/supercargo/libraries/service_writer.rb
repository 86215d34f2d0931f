# frozen_string_literal: true

require_relative 'check'
require_relative 'folders'
require_relative 'layout'

module Supercargo
  module Cookbook
    # For the actions of resources that write compose files. Their properties include those of
    # ComposeProperties.
    module ServiceWriter
      include Check
      include Folders

      def layout
        @layout ||= Layout.new(new_resource.instance)
      end

      # compose: path => text of compose files; removed: paths. The agent sees the change and acts: nothing
      # has to be reloaded.
      def write_services(compose, removed = [])
        require_group(new_resource.group)
        inside, outside = named_files
        write_named(outside)
        judge(inside.merge(compose), removed)
        write_folder(layout.folder)
        write_folder("#{layout.folder}/compose.d")
        write_named(inside)
        compose.each { |path, text| write_compose(path, text) }
        delete_files(removed)
      end

      # Removes compose files, and those of `files`.
      def remove_services(compose)
        inside, outside = named_files.map(&:keys)
        judge({}, compose + inside)
        delete_files(compose + inside + outside)
      end

      private

      def judge(files, removed)
        return unless new_resource.validate_first

        supercargo_validate!(layout, files, removed) { |stage| ['--compose', stage] }
      end

      # Path => text: of `files` below the agent's folder, and elsewhere.
      def named_files
        named = new_resource.files.transform_keys { |name| ::File.expand_path(name, layout.folder) }
        named.partition { |path, _| path.start_with?("#{layout.folder}/") }.map(&:to_h)
      end

      # The folders between the agent's own and a file, the outermost first.
      def folders_of(path)
        folder = ::File.dirname(path)
        return [] unless folder.start_with?("#{layout.folder}/")

        folders_of(folder) + [folder]
      end

      def write_compose(path, text)
        file path do
          content text
          owner 'root'
          group new_resource.group
          mode '0640'
          sensitive new_resource.sensitive
          backup false
        end
      end

      def write_named(files)
        files.each do |path, secret|
          folders_of(path).each { |folder| write_folder(folder) }
          file path do
            content secret
            owner new_resource.user
            group new_resource.group
            mode new_resource.files_mode
            sensitive true
            backup false
          end
        end
      end

      def delete_files(paths)
        paths.each do |path|
          file path do
            backup false
            action :delete
          end
        end
      end
    end
  end
end
