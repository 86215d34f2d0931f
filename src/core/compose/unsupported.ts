export const IMAGE_ADVICE =
  'write [HOST[:PORT]/]PATH in lower case; without tag and digest the manifest says which version';

const LIMIT = 'use mem_limit, cpus, cpu_shares, cpuset or pids_limit';
const LINK = 'remove it, and put both services on one network: names of services resolve there';

/** Keys of the Compose Specification that supercargo refuses, and what to write instead. */
export const UNSUPPORTED_SERVICE_KEYS: Readonly<Record<string, string>> = {
  annotations: 'use labels',
  attach: 'remove it: supercargo never attaches to a container',
  blkio_config: LIMIT,
  build: 'build on the build server, push, and name the image: hosts never build',
  cgroup_parent: LIMIT,
  cpu_count: 'use cpus',
  cpu_percent: 'use cpus',
  cpu_period: 'use cpus',
  cpu_quota: 'use cpus',
  cpu_rt_period: LIMIT,
  cpu_rt_runtime: LIMIT,
  credential_spec: 'remove it: only Windows uses it',
  develop: 'remove it: it is for a developer’s machine',
  device_cgroup_rules: 'use devices',
  extends: 'use an anchor and a merge key: <<: *name',
  external_links: LINK,
  isolation: 'remove it: only Windows uses it',
  label_file: 'use labels',
  mac_address: 'set it for one network: networks: {NAME: {mac_address: …}}',
  mem_swappiness: LIMIT,
  models: 'remove it, and run the model as a service',
  post_start: 'put it into the image’s entrypoint, or into a job that others depend on',
  pre_start: 'put it into the image’s entrypoint, or into a job that this service depends on',
  pre_stop: 'let the program act on stop_signal within stop_grace_period',
  profiles: 'remove it: a host runs what its files define; put optional services into a file of compose.d',
  provider: 'remove it, and run the software as a service',
  pull_refresh_after: 'remove it: pull_policy: always looks a tag up again for every new manifest',
  storage_opt: 'set storage options in the engine’s daemon.json',
  use_api_socket: 'mount the socket as a volume, if you must',
  uts: 'remove it, or set hostname',
  volume_driver: 'set driver on the volume at the top level',
  volumes_from: 'name the volumes in each service',
};

/** Refused keys of the top level, and what to write instead. */
export const UNSUPPORTED_TOP_KEYS: Readonly<Record<string, string>> = {
  include: 'put the files into compose.d: every *.yaml there belongs to the project',
  models: 'remove it, and run the model as a service',
  profiles: 'remove it: a host runs what its files define',
};
