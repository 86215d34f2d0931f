import { deviceRequests } from './device-requests.ts';
import type { RestartPolicy } from './project-model.ts';
import { hint, nodeAt, report, type Reader } from './reader-context.ts';
import { fields, only } from './readers.ts';
import { bytes, decimal, duration, integer, oneOf, scalar, text } from './scalars.ts';

const MAX_REPLICAS = 1000;

export const replicas = integer(0, MAX_REPLICAS);
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

/** Memory and swap together, in bytes; -1 means unlimited swap. */
export const memorySwap: Reader<number> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  return read.text === '-1' ? -1 : bytes(node, c);
};

const UPDATE_KEYS = {
  parallelism: integer(0, MAX_REPLICAS),
  delay: duration,
  monitor: duration,
  order: oneOf('stop-first', 'start-first'),
  failure_action: ((node, c) => {
    const action = text(node, c);
    if (action === undefined) return undefined;
    if (action !== 'continue') return oneOf('rollback', 'pause')(node, c);
    return report(
      c,
      node,
      'failure_action "continue" is not supported',
      'write rollback or pause: a release that fails is never spread further',
    );
  }) satisfies Reader<'rollback' | 'pause'>,
};
const UPDATE_UNSUPPORTED = { max_failure_ratio: 'remove it: one failed replica fails the release' };

const reservedCpus: Reader<number> = (node, c) => {
  const count = cpus(node, c);
  if (count !== undefined)
    hint(c, node, 'has no effect: the engine cannot reserve processors; cpu_shares gives a weight');
  return count;
};

const RESOURCES_KEYS = {
  limits: fields({ cpus, memory, pids: pidsLimit }),
  reservations: fields(
    {
      memory,
      devices: deviceRequests,
      cpus: reservedCpus,
    },
    { generic_resources: 'remove it: only a swarm uses it' },
  ),
};

/** The words of a swarm, and those of `restart`, which Compose takes too. */
const CONDITIONS = {
  none: 'no',
  'on-failure': 'on-failure',
  any: 'always',
  no: 'no',
  always: 'always',
  'unless-stopped': 'unless-stopped',
} as const;

const RESTART_KEYS = {
  condition: oneOf('none', 'on-failure', 'any', 'no', 'always', 'unless-stopped'),
  max_attempts: integer(0, 999_999),
  delay: duration,
  window: duration,
};

/** A swarm's restart policy, as far as the engine has it. */
const restartPolicy: Reader<RestartPolicy> = (node, c) => {
  const read = fields(RESTART_KEYS)(node, c);
  if (read === undefined) return undefined;
  const name = CONDITIONS[read.condition ?? 'any'];
  if (read.max_attempts !== undefined && name !== 'on-failure')
    hint(c, nodeAt(node, 'max_attempts'), 'has no effect without condition: on-failure');
  for (const key of ['delay', 'window'] as const)
    if (read[key] !== undefined)
      hint(c, nodeAt(node, key), 'has no effect: the engine waits longer after each restart by itself');
  return { name, maxRetries: name === 'on-failure' ? (read.max_attempts ?? 0) : 0 };
};

/** `docker compose config` writes an empty one. */
const placement: Reader<never> = (node, c) =>
  node.kind === 'map' && node.entries.size === 0
    ? undefined
    : report(
        c,
        node,
        '"placement" is not supported',
        'remove it: a service runs on each host that defines it',
      );

const DEPLOY_KEYS = {
  replicas,
  resources: fields(RESOURCES_KEYS),
  update_config: fields(UPDATE_KEYS, UPDATE_UNSUPPORTED),
  restart_policy: restartPolicy,
  placement,
  mode: only('replicated', 'remove it, and set replicas: each host runs its own'),
};
const DEPLOY_UNSUPPORTED = {
  rollback_config: 'remove it: a rollback follows update_config',
  labels: 'use labels: on the service',
  endpoint_mode: 'remove it: only a swarm uses it',
};

export const deploy = fields(DEPLOY_KEYS, DEPLOY_UNSUPPORTED);
