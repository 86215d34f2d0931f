import { report, type Reader } from './reader-context.ts';
import { fields, only, refused } from './readers.ts';
import { bytes, decimal, duration, integer, oneOf } from './scalars.ts';

const MAX_REPLICAS = 1000;
const MAX_CPUS = 4096;

export const cpus = decimal(0, MAX_CPUS);
export const pidsLimit = integer(-1, 4_194_304);
/** The engine refuses less than 6 MiB; 0 means no limit. */
export const memory: Reader<number> = (node, c) => {
  const size = bytes(node, c);
  return size === undefined || size === 0 || size >= 6 * 1024 ** 2
    ? size
    : report(c, node, 'is below 6 MiB, the minimum of the engine', 'write 6m or more, or remove it');
};

const UPDATE_KEYS = {
  parallelism: integer(0, MAX_REPLICAS),
  delay: duration,
  monitor: duration,
  order: oneOf('stop-first', 'start-first'),
  failure_action: ((node, c) => {
    const action = oneOf('rollback', 'pause', 'continue')(node, c);
    if (action !== 'continue') return action;
    return report(
      c,
      node,
      'failure_action "continue" is not supported',
      'write rollback or pause: a release that fails is never spread further',
    );
  }) satisfies Reader<'rollback' | 'pause'>,
};
const UPDATE_UNSUPPORTED = { max_failure_ratio: 'remove it: one failed replica fails the release' };

const RESOURCES_KEYS = {
  limits: fields({ cpus, memory, pids: pidsLimit }),
  reservations: fields(
    {
      memory,
      cpus: refused('the engine cannot reserve processors', 'remove it, or use cpu_shares for a weight'),
    },
    {
      devices: 'use devices for a device node',
      generic_resources: 'remove it: only a swarm uses it',
    },
  ),
};

const DEPLOY_KEYS = {
  replicas: integer(0, MAX_REPLICAS),
  resources: fields(RESOURCES_KEYS),
  update_config: fields(UPDATE_KEYS, UPDATE_UNSUPPORTED),
  mode: only('replicated', 'remove it, and set replicas: each host runs its own'),
};
const DEPLOY_UNSUPPORTED = {
  restart_policy: 'use restart: on the service',
  rollback_config: 'remove it: a rollback follows update_config',
  labels: 'use labels: on the service',
  placement: 'remove it: a service runs on each host that defines it',
  endpoint_mode: 'remove it: only a swarm uses it',
};

export const deploy = fields(DEPLOY_KEYS, DEPLOY_UNSUPPORTED);
