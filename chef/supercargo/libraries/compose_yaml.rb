# frozen_string_literal: true

require 'psych'
require_relative 'plain'

module Supercargo
  module Cookbook
    # A hash as YAML that every reader takes for the same: whatever YAML 1.1 or 1.2 could take for a number, a
    # time or a truth is quoted. Psych alone writes the text 1e3 without quotes, since YAML 1.1 has no such
    # number; YAML 1.2 has.
    module ComposeYaml
      PLAIN = %r{\A[A-Za-z/][\w./-]*(?::[\w./-]+)*\z}.freeze
      RESERVED = /\A(?:y|n|yes|no|on|off|true|false|null|nan|inf)\z/i.freeze

      module_function

      # Keys are sorted, as `docker compose config` does it.
      def render(hash)
        document = Psych::Nodes::Document.new([], [], true)
        document.children << node(Plain.sort(Plain.copy(hash)))
        stream = Psych::Nodes::Stream.new
        stream.children << document
        stream.yaml(nil, line_width: -1)
      end

      def node(value)
        case value
        when Hash then collection(Psych::Nodes::Mapping.new(*style_of(value)), value.to_a.flatten(1))
        when Array then collection(Psych::Nodes::Sequence.new(*style_of(value)), value)
        when String then text(value)
        else Psych::Nodes::Scalar.new(value.nil? ? 'null' : value.to_s)
        end
      end
      private_class_method :node

      def collection(node, values)
        values.each { |value| node.children << node(value) }
        node
      end
      private_class_method :collection

      # Block style has no form for what is empty.
      def style_of(value)
        [nil, nil, true, value.empty? ? Psych::Nodes::Mapping::FLOW : Psych::Nodes::Mapping::BLOCK]
      end
      private_class_method :style_of

      def text(value)
        return Psych::Nodes::Scalar.new(value) if PLAIN.match?(value) && !RESERVED.match?(value)

        Psych::Nodes::Scalar.new(value, nil, nil, false, true, Psych::Nodes::Scalar::DOUBLE_QUOTED)
      end
      private_class_method :text
    end
  end
end
