# frozen_string_literal: true

require 'fileutils'
require 'tmpdir'
require_relative 'layout'

module Supercargo
  module Cookbook
    # A folder of the agent as it will be: new files, and links to the compose files that stay. It is judged
    # as a whole, before the first file is written.
    class Stage
      # folder: the final place. files: path => text; removed: paths, both below the folder.
      def initialize(folder, files: {}, removed: [])
        @folder = folder
        @files = files
        @removed = removed
      end

      def changes?
        @files.any? { |path, text| !::File.file?(path) || ::File.binread(path) != text.b } ||
          @removed.any? { |path| ::File.exist?(path) }
      end

      # Yields the path of the staged folder, which only this user can read, and removes it.
      def open
        ::Dir.mktmpdir('supercargo-') do |stage|
          compose = ::Dir.glob("#{@folder}/#{Layout::COMPOSE_FILES}")
          (compose - @files.keys - @removed).each { |path| link(path, path, stage) }
          # A link to nothing hides the file that is still there.
          (@removed - compose).each { |path| link('removed', path, stage) }
          @files.each { |path, text| ::File.binwrite(place(path, stage), text) }
          yield stage
        end
      end

      private

      def link(target, path, stage)
        ::File.symlink(target, place(path, stage))
      end

      def place(path, stage)
        staged = "#{stage}#{path.delete_prefix(@folder)}"
        ::FileUtils.mkdir_p(::File.dirname(staged))
        staged
      end
    end
  end
end
