# frozen_string_literal: true

module Supercargo
  module Cookbook
    # What `systemctl show --property=ActiveState UNIT` prints.
    module UnitState
      module_function

      # A unit that is about to end, or between two tries of a crash loop, does not run.
      def running?(text)
        text.match?(/^ActiveState=(?:active|reloading)$/)
      end
    end
  end
end
