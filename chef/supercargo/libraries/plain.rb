# frozen_string_literal: true

module Supercargo
  module Cookbook
    # Node attributes and Ruby literals as what JSON and YAML know: hashes with text as keys, arrays, text,
    # numbers, true, false, nil.
    module Plain
      module_function

      # A copy, in the order of the original.
      def copy(value)
        case value
        when Hash then copy_hash(value)
        when Array then value.map { |item| copy(item) }
        when Symbol then value.to_s
        # A subclass of String (Chef has some) is not what a plain text compares and dumps like.
        when String then String.new(value)
        when nil, true, false, Integer, Float then value
        else raise ArgumentError, "#{value.inspect} (#{value.class}) is not a text, a number, true, false, a list or a hash"
        end
      end

      # The same with every hash in the order of its keys, so that it does not matter where an attribute came
      # from.
      def sort(value)
        case value
        when Hash then value.sort.to_h.transform_values { |item| sort(item) }
        when Array then value.map { |item| sort(item) }
        else value
        end
      end

      def copy_hash(hash)
        hash.each_with_object({}) do |(key, item), copied|
          name = key.to_s
          raise ArgumentError, "#{name} is there twice, as a text and as a symbol: keep one of them" if copied.key?(name)

          copied[name] = copy(item)
        end
      end
      private_class_method :copy_hash
    end
  end
end
