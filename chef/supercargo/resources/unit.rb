# frozen_string_literal: true

require 'English'

# For supercargo_agent alone: what is left to do for its unit at the end of a run.
unified_mode true
resource_name :supercargo_unit
provides :supercargo_unit
default_action :start

property :environment, String,
         name_property: true

property :instance, [true, false],
         default: false

property :user, String,
         required: true

property :group, String,
         required: true

action_class do
  include Supercargo::Cookbook::Check

  def layout
    @layout ||= Supercargo::Cookbook::Layout.new(new_resource.instance ? new_resource.environment : nil)
  end

  def running?
    Supercargo::Cookbook::UnitState.running?(shell_out('systemctl', 'show', '--property=ActiveState', layout.unit).stdout)
  end

  # systemctl says only that it failed; why, the agent says in the journal.
  def systemctl(verb)
    converge_by("#{verb} #{layout.unit}") do
      command = shell_out('systemctl', verb, layout.unit)
      if command.error?
        journal = shell_out('journalctl', '--unit', layout.unit, '--lines', '20', '--output', 'cat', '--no-pager')
        raise "systemctl #{verb} #{layout.unit} failed. The agent said:\n#{words(journal)}\n#{words(command)}"
      end
    end
  end

  # As the user of the agent: root can read files that the agent cannot.
  def require_work
    as_agent = ['setpriv', '--reuid', new_resource.user, '--regid', new_resource.group, '--init-groups']
    compose = layout.compose? ? ['--compose', layout.folder] : []
    checked = supercargo_validate(layout, '--env', layout.env_file, *compose, as: as_agent)
    raise "#{layout.unit} runs, but it cannot work with its files:\n#{words(checked)}" if checked.error?
  end
end

# No container notices any of them. One that does not run is started by :start, at the end of the run.
%i(reload restart).each do |verb|
  action verb do
    systemctl(verb.to_s) if running?
  end
end

action :start do
  # Delayed actions run after a failed run too, while its error is being handled. What is half written is not
  # to be started.
  if $ERROR_INFO
    Chef::Log.warn("#{layout.unit} is not started, since the run has failed") unless running?
  else
    systemctl('start') unless running?
    require_work if !whyrun_mode? && supercargo_judges?
  end
end
