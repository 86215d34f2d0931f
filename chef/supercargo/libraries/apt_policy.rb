# frozen_string_literal: true

module Supercargo
  module Cookbook
    # What `apt-cache policy NAME` prints in the C locale.
    module AptPolicy
      module_function

      # Whether apt knows this version, installed or not; without one, whether it knows any.
      def known?(text, version)
        return text.match?(/^\s*Candidate: (?!\(none\))\S/) if version.nil?

        text.match?(/^ (?:\*{3}| {3}) #{Regexp.escape(version)} -?\d+$/)
      end
    end
  end
end
