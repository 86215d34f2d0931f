# frozen_string_literal: true

require_relative 'plain'

module Supercargo
  module Cookbook
    # SUPERCARGO_LABELS from a property. The agent judges how many there are, and how long.
    module Labels
      WORD = %r{\A[A-Za-z0-9._/-]+\z}.freeze

      module_function

      # A text is taken as it is. A hash is written in the order of its names, without those whose value is
      # nil. nil where nothing is left.
      def text(value)
        labels = Plain.copy(value)
        return labels if labels.nil? || labels.is_a?(String)
        raise ArgumentError, "labels is a #{labels.class}: write a hash or a text" unless labels.is_a?(Hash)

        pairs = labels.compact.sort.map { |name, item| pair(name, item) }
        pairs.empty? ? nil : pairs.join(',')
      end

      def pair(name, value)
        letters = 'write letters, digits, ".", "_", "-" and "/"'
        raise ArgumentError, "labels: #{name.inspect} is no name: #{letters}" unless WORD.match?(name)
        raise ArgumentError, "labels: the value of #{name} is #{value.inspect}: #{letters}" unless WORD.match?(value.to_s)

        "#{name}=#{value}"
      end
      private_class_method :pair
    end
  end
end
