# frozen_string_literal: true

unified_mode true
resource_name :supercargo_services
provides :supercargo_services
default_action :create

property :set_name, String,
         name_property: true,
         description: 'The name of the set. Only files of its own are purged.'

# Sensitive: where a resource fails, Chef prints its properties, and these hold variables.
property :services, Hash,
         default: {},
         sensitive: true,
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'Services by name, each as in the Compose Specification; false: its file is removed, whatever wrote it.'

property :purge, [true, false],
         default: true,
         description: 'Remove the files that this set once wrote and no longer declares.'

Supercargo::Cookbook::ComposeProperties.add_to(self)

action_class do
  include Supercargo::Cookbook::ServiceWriter

  def set
    @set ||= Supercargo::Cookbook::ServiceFiles.new(new_resource, new_resource.services, layout)
  end
end

# Writes the whole set, if supercargo validate accepts it. Deletions come last: in between a name is there
# twice, which the agent refuses to read, rather than missing.
action :create do
  write_services(set.files, set.removed(purge: new_resource.purge))
end

# Removes the files of the set, and those of `files`: the agent stops its services, and removes their
# containers.
action :remove do
  remove_services(set.files.keys | set.removed(purge: true))
end
