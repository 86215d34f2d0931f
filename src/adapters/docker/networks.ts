import type Dockerode from 'dockerode';
import { AgentError, rawMessageOf } from '../../core/errors.ts';
import { LABELS } from '../../core/docker-names.ts';
import type { EngineAction } from '../../core/ports/engine.ts';
import { inBody } from './request-body.ts';
import { statusOf } from './engine-error.ts';
import { resourceLabels } from './labels.ts';
import { yieldName } from './yield-name.ts';

type CreateNetwork = Extract<EngineAction, { kind: 'create-network' }>;
type Range = Readonly<Record<string, string>>;

const bodyOf = (
  { name, network, hash, definition }: CreateNetwork,
  environment: string,
  ranges?: readonly Range[],
): Dockerode.NetworkCreateOptions => {
  const declared = definition.ipam?.config.map((i) => ({
    ...(i.subnet !== undefined && { Subnet: i.subnet }),
    ...(i.ipRange !== undefined && { IPRange: i.ipRange }),
    ...(i.gateway !== undefined && { Gateway: i.gateway }),
    ...(i.auxAddresses !== undefined && { AuxiliaryAddresses: { ...i.auxAddresses } }),
  }));
  const config = ranges ?? declared;
  return {
    Name: name,
    CheckDuplicate: true,
    Driver: definition.driver ?? 'bridge',
    Internal: definition.internal,
    Attachable: definition.attachable,
    EnableIPv6: definition.enableIpv6,
    Options: { ...definition.driverOptions },
    Labels: resourceLabels(environment, 'network', network, hash, definition.labels),
    ...(config && {
      IPAM: {
        Driver: definition.ipam?.driver ?? 'default',
        Config: config as unknown as { [key: string]: string }[],
      },
    }),
  };
};

/** The engine assigns addresses from the upper half; the agent assigns those of the lower half. */
export const upperHalf = (subnet: string): string | undefined => {
  const [, base, bits] = /^(\d+\.\d+\.\d+\.\d+)\/(\d+)$/.exec(subnet) ?? [];
  if (base === undefined || bits === undefined || Number(bits) > 29) return undefined;
  const start = base.split('.').reduce((sum, byte) => sum * 256 + Number(byte), 0);
  const half = start + 2 ** (31 - Number(bits));
  const text = [2 ** 24, 2 ** 16, 2 ** 8, 1].map((unit) => String(Math.floor(half / unit) % 256)).join('.');
  return `${text}/${String(Number(bits) + 1)}`;
};

const TRIES = 3;
/** Stands in for the hash of a definition. */
const TRIAL = 'trial';

/** Removes a trial network that an earlier agent left behind, and creates a new one. */
const makeTrial = async (
  docker: Dockerode,
  trial: CreateNetwork,
  environment: string,
  signal: AbortSignal,
): Promise<Dockerode.Network> => {
  const make = (): Promise<Dockerode.Network> =>
    docker.createNetwork(inBody(bodyOf(trial, environment), signal));
  try {
    return await make();
  } catch (error) {
    if (statusOf(error) !== 409) throw error;
    const found = docker.getNetwork(trial.name);
    const { Labels } = await found.inspect();
    if (Labels?.[LABELS.environment] !== environment || Labels[LABELS.definition] !== TRIAL)
      throw new AgentError(
        'NETWORK',
        `the network ${trial.name} is not one of the edge's, and has the name of one`,
        {
          cause: error,
          advice: `remove it (docker network rm ${trial.name}), or give it another name`,
        },
      );
    await found.remove({ abortSignal: signal });
    return make();
  }
};

export const createNetwork = async (
  docker: Dockerode,
  action: CreateNetwork,
  environment: string,
  signal: AbortSignal,
): Promise<void> => {
  const create = async (ranges?: readonly Range[]): Promise<void> => {
    const { id } = await docker.createNetwork(inBody(bodyOf(action, environment, ranges), signal));
    await yieldName(docker, { id, name: action.name }, signal);
  };
  if (action.pinned !== true) {
    await create();
    return;
  }
  // The engine knows which subnets are free of routes, but fixed addresses need a subnet that the create call
  // names. So a trial network, with another name and no known definition, shows a free subnet. Housekeeping
  // removes it if the agent dies here.
  const trial = { ...action, name: `${action.name}-trial`, hash: TRIAL };
  for (let attempt = 1; ; attempt += 1) {
    const found = await makeTrial(docker, trial, environment, signal);
    const { IPAM } = await found.inspect();
    const { Subnet = '', Gateway } = IPAM?.Config?.[0] ?? {};
    const range = upperHalf(Subnet);
    await found.remove();
    if (range === undefined)
      throw new AgentError('NETWORK', `the engine gave ${action.name} the subnet ${Subnet || '(none)'}`, {
        advice: 'let the engine have address pools of IPv4 with /28 or larger (default-address-pools)',
      });
    try {
      await create([{ Subnet, IPRange: range, ...(Gateway ? { Gateway } : {}) }]);
      return;
    } catch (error) {
      // Another network got the same subnet in between.
      const isTaken = statusOf(error) === 403 || /overlaps/.test(rawMessageOf(error));
      if (!isTaken || attempt === TRIES) throw error;
    }
  }
};
