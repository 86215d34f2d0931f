# frozen_string_literal: true

unified_mode true
resource_name :supercargo_service
provides :supercargo_service
default_action :create

property :service_name, String,
         name_property: true,
         regex: [/\A[a-zA-Z0-9][a-zA-Z0-9._-]*\z/],
         description: 'The name of the service, and of its file in compose.d.'

# Sensitive: where a resource fails, Chef prints its properties, and these hold variables.
property :definition, Hash,
         default: {},
         sensitive: true,
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'The service as in the Compose Specification: image, ports, environment, deploy, x-supercargo and so on.'

property :others, Hash,
         default: {},
         sensitive: true,
         coerce: proc { |value| Supercargo::Cookbook::Plain.copy(value) },
         description: 'More services in the same file, by name: what changes together with this one, for example its migration.'

Supercargo::Cookbook::ComposeProperties.add_to(self)

action_class do
  include Supercargo::Cookbook::ServiceWriter

  def path
    layout.compose_file(new_resource.service_name)
  end

  def compose
    own = new_resource.definition.empty? ? {} : { new_resource.service_name => new_resource.definition }
    parts = Supercargo::Cookbook::ServiceFiles.parts(new_resource)
    services = own.merge(new_resource.others)
    services.empty? ? parts : { 'services' => services, **parts }
  end
end

# Writes the service's file, if supercargo validate accepts it beside the others.
action :create do
  raise "#{new_resource}: definition is empty: say at least its image" if compose.empty?

  write_services({ path => Supercargo::Cookbook::ServiceFiles.text(new_resource, compose) })
end

# Removes the file, and those of `files`: the agent stops the service, and removes its containers.
action :remove do
  remove_services([path])
end
