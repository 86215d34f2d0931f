# frozen_string_literal: true

require_relative 'plain'

module Supercargo
  module Cookbook
    # The addresses of one hub or of several. The agent judges each of them.
    module Addresses
      module_function

      # A text is taken as it is; the items of a list are written with commas between them. nil where the list
      # is empty.
      def text(property, value)
        addresses = Plain.copy(value)
        return addresses unless addresses.is_a?(Array)

        # An address may hold a password by mistake, so only its place is shown.
        wrong = addresses.index { |address| !address.is_a?(String) || address.strip.empty? }
        raise ArgumentError, "#{property}: item #{wrong + 1} is no address: write a list of texts" if wrong

        addresses.empty? ? nil : addresses.join(',')
      end
    end
  end
end
