import { type HubProcess, type HubProcessOptions, createHubProcess } from './hub-process.ts';
import { type HubBalancer, startHubBalancer } from './hub-balancer.ts';
import { eventually } from './poll.ts';
import { freePorts } from './ports.ts';

export const HUB_COUNT = 3;

export interface SeveralHubsOptions extends Omit<HubProcessOptions, 'port'> {
  /** Address of the database. */
  readonly store: string;
  /** The folder of the archives, which they share. */
  readonly dataDir: string;
}

/** Three hubs over one database behind HAProxy, which gives each request to the next one. */
export interface SeveralHubs {
  readonly hubs: readonly HubProcess[];
  readonly balancer: HubBalancer;
  /** Those that do not run; resolves when the balancer sends requests to all of them. */
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly remove: () => Promise<void>;
}

/** They run when it resolves. */
export const startSeveralHubs = async ({
  store,
  dataDir,
  words,
  ...options
}: SeveralHubsOptions): Promise<SeveralHubs> => {
  const ports = await freePorts(HUB_COUNT);
  const own = ['--store', store, '--data', dataDir, ...words];
  const hubs = ports.map((port) => createHubProcess({ ...options, port, words: own }));
  const balancer = await startHubBalancer(ports);
  const start: SeveralHubs['start'] = async () => {
    await Promise.all(hubs.filter((hub) => hub.pid() === undefined).map(async (hub) => hub.start()));
    await eventually(async () => Object.values(await balancer.states()).every((state) => state === 'UP'), {
      describe: async () => `the balancer sees every hub: ${JSON.stringify(await balancer.states())}`,
    });
  };
  const kill: SeveralHubs['kill'] = async () => {
    await Promise.all(hubs.map(async (hub) => hub.kill()));
  };
  await start();
  return {
    hubs,
    balancer,
    start,
    kill,
    remove: async () => {
      await kill();
      await balancer.remove();
    },
  };
};
