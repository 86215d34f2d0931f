# frozen_string_literal: true

module Supercargo
  module Cookbook
    # agent.env is read twice: by systemd (EnvironmentFile=, systemd.exec(5)) for the daemon, and by Node
    # (util.parseEnv) for the commands. They agree on what is written here, and on little else: Node knows no
    # escapes, systemd no back-ticks.
    module EnvFile
      # What neither quotes, escapes, starts a comment nor ends a value.
      BARE = %r{\A[\w.,:/@%+=~^*?&!()\[\]{}<>|-]*\z}.freeze

      module_function

      # nil is left out.
      def render(variables)
        variables.compact.map { |name, value| "#{name}=#{quote(name, value.to_s)}\n" }.join
      end

      def quote(name, value)
        raise ArgumentError, "#{name} holds a line break or another control character" if value.match?(/[[:cntrl:]]/)
        return value if BARE.match?(value)
        return %("#{value}") unless value.match?(/["\\]/)
        return "'#{value}'" unless value.include?("'")

        raise ArgumentError, "#{name} holds an apostrophe beside a double quote or a backslash: " \
                             'systemd and Node read no form of that alike. Put it into a file, where a variable for one exists'
      end
    end
  end
end
