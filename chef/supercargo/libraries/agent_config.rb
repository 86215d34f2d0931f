# frozen_string_literal: true

require 'json'
require_relative 'drop_in'
require_relative 'env_file'
require_relative 'layout'

module Supercargo
  module Cookbook
    # What the properties of a supercargo_agent come to on the host.
    class AgentConfig
      # A file of the agent. Without content it is not to be there.
      Wanted = Struct.new(:content, :owner, :mode, :secret, keyword_init: true)

      # Property => file, and the variable that names it.
      CREDENTIALS = {
        manifest_credentials: %w(manifest-credentials SUPERCARGO_MANIFEST_CREDENTIALS),
        report_token: %w(report-token SUPERCARGO_REPORT_TOKEN_FILE),
        ca: %w(ca.pem SUPERCARGO_CA),
        client_cert: %w(client.pem SUPERCARGO_CLIENT_CERT),
        client_key: %w(client.key SUPERCARGO_CLIENT_KEY),
      }.freeze

      # Variable => the property that it is written from as it is.
      TEXTS = {
        'SUPERCARGO_LABELS' => :labels,
        'SUPERCARGO_REPORT_URL' => :report_url,
        'SUPERCARGO_TURNS' => :turns,
        'SUPERCARGO_HEALTH_LISTEN' => :health_listen,
        'SUPERCARGO_HEALTH_LEAD' => :health_lead,
      }.freeze

      attr_reader :layout

      # agent: what has the properties of supercargo_agent.
      def initialize(agent)
        @agent = agent
        @layout = Layout.new(agent.instance ? agent.environment : nil)
      end

      # Raises ArgumentError where properties contradict each other or the host. debian: whether it is Debian
      # or like it.
      def check(debian: true)
        check_platform(debian)
        check_trust
        check_package
        pairs('client_cert', 'client_key')
        check_reports
        raise ArgumentError, 'health_lead without health_listen: no load balancer could ask' if @agent.health_lead && !@agent.health_listen
      end

      # Path => Wanted. The configuration is last, so that what it names is there.
      def files
        credentials.merge(
          layout.trust_file => Wanted.new(content: trust, owner: 'root', mode: '0640', secret: false),
          layout.env_file => Wanted.new(content: env_file, owner: 'root', mode: '0640', secret: false)
        )
      end

      # Of all that `files` may write. It asks for no property that a removal need not have.
      def paths
        [*CREDENTIALS.values.map { |name, _| "#{layout.folder}/#{name}" }, layout.trust_file, layout.env_file]
      end

      # Of all agents on the host.
      def shared_paths
        ["#{Layout::DOCKER_CONFIG}/config.json"]
      end

      def drop_in
        DropIn.render(user: @agent.user, group: @agent.group, groups: @agent.groups, metrics_file: @agent.env['SUPERCARGO_METRICS_FILE'])
      end

      private

      def credentials
        CREDENTIALS.to_h do |property, (name, _)|
          content = @agent.public_send(property)
          content = "#{content}\n" unless content.nil? || content.end_with?("\n")
          ["#{layout.folder}/#{name}", Wanted.new(content: content, owner: @agent.user, mode: '0600', secret: true)]
        end
      end

      def env_file
        "# Written by Chef: supercargo_agent[#{@agent.environment}]. Changes here are lost.\n#{EnvFile.render(variables)}"
      end

      def variables
        named = CREDENTIALS.to_h { |property, (name, variable)| [variable, @agent.public_send(property) && "#{layout.folder}/#{name}"] }
        {
          'SUPERCARGO_ENVIRONMENT' => @agent.environment,
          'SUPERCARGO_MANIFEST_URL' => @agent.manifest_url,
          **layout.variables,
          'SUPERCARGO_ALLOW_UNSIGNED' => @agent.allow_unsigned ? 'true' : nil,
          **TEXTS.transform_values { |property| @agent.public_send(property) },
          **named,
          'DOCKER_CONFIG' => @agent.docker_config,
          **@agent.env.sort.to_h,
        }
      end

      def trust
        trust = @agent.trust_json
        trust.is_a?(Hash) ? "#{JSON.pretty_generate(trust)}\n" : trust
      end

      def check_platform(debian)
        return if debian || !@agent.install_package

        raise ArgumentError, 'install_package installs a .deb, and this host is neither Debian nor Ubuntu: ' \
                             "install the agent as #{Layout::PROGRAM} with its units some other way, and set install_package false"
      end

      def check_trust
        return if @agent.trust_json.nil? == @agent.allow_unsigned

        raise ArgumentError, 'trust_json and allow_unsigned exclude each other: drop one of them' if @agent.trust_json

        raise ArgumentError, 'trust_json is not set: give it the trust.json of `supercargo keygen`, or say allow_unsigned true for a trial'
      end

      def check_reports
        return if @agent.report_url

        raise ArgumentError, 'report_token without report_url: nothing would be reported' if @agent.report_token
        raise ArgumentError, 'turns always without report_url: no store could hand out a turn' if @agent.turns == 'always'
      end

      def check_package
        source = @agent.package_source
        if source&.match?(%r{\Ahttps?://}) && @agent.package_checksum.nil?
          raise ArgumentError, 'package_source is a URL: package_checksum has to say the SHA-256 of that .deb'
        end
        return if source.nil? || (@agent.package_version.nil? && @agent.package_repository.nil?)

        raise ArgumentError, 'package_version and package_repository are for a repository: a .deb in package_source is one version'
      end

      def pairs(one, other)
        return if @agent.public_send(one).nil? == @agent.public_send(other).nil?

        raise ArgumentError, "#{one} and #{other} belong together: set both or none"
      end
    end
  end
end
