import { createHubArchives } from '../../../src/adapters/hub-files/hub-archives.ts';
import { openHubFiles, prepareSharedFolder } from '../../../src/adapters/hub-files/hub-files.ts';
import { openFolderStore } from '../../../src/adapters/hub-files/hub-store.ts';
import type { HubFiles } from '../../../src/core/ports/hub-files.ts';
import type { TurnStore } from '../../../src/core/ports/turn-store.ts';
import { startHub, type Hub, type HubOptions } from '../../../src/hub/hub.ts';
import { type HubBalancer, startHubBalancer } from '../../support/hub-balancer.ts';
import { eventually } from '../../support/poll.ts';
import { freePorts } from '../../support/ports.ts';
import { databaseWithTables, postgresStores } from '../../support/postgres-store.ts';
import { HUB_COUNT } from '../../support/several-hubs.ts';

/** What a scene says of its hub. */
export type SceneHubOptions = Omit<HubOptions, 'store' | 'archives'>;

/** What answers at the address of a scene. */
export type SceneHub = Pick<Hub, 'url' | 'renewSecrets' | 'close'>;

/** One folder or database with the lives of what serves it. */
export interface ScenePlace {
  readonly start: (options: SceneHubOptions, turns: TurnStore | undefined) => Promise<SceneHub>;
  readonly end: () => Promise<void>;
}

export interface FilesOptions {
  /** Between the hub and its files. */
  readonly disk: (files: HubFiles) => HubFiles;
  /** As `HubStore.isShared`. */
  readonly isShared: boolean;
  readonly onRemark: (message: string) => void;
}

/** One hub on files. */
export const placeOnFiles = (folder: string, { disk, isShared, onRemark }: FilesOptions): ScenePlace => ({
  start: async (options, turns) => {
    const files = await openHubFiles(folder);
    try {
      const between = { ...disk(files), close: files.close };
      const store = await openFolderStore({ files: between, name: folder, onRemark, now: options.now });
      const archives = createHubArchives(folder);
      const kept = { ...store, isShared, ...(turns && { turns }) };
      const hub = await startHub({ archives, store: kept, ...options });
      return {
        ...hub,
        close: async () => {
          await hub.close();
          await files.close();
        },
      };
    } catch (error) {
      await files.close();
      throw error;
    }
  },
  end: () => Promise.resolve(),
});

/** Several hubs on a database behind HAProxy: in the project `hubs`. The archives are in the folder. */
export const placeOfSeveralHubs = async (folder: string): Promise<ScenePlace> => {
  await prepareSharedFolder(folder, Date.now());
  const { url } = await databaseWithTables();
  const ports = await freePorts(HUB_COUNT);
  let balancer: HubBalancer | undefined;
  /**
   * Its address. It begins once hubs answer: otherwise it takes them for dead, and notices their start late.
   */
  const balance = async (): Promise<string> => {
    const { states, url: address } = (balancer ??= await startHubBalancer(ports));
    await eventually(async () => Object.values(await states()).every((state) => state.startsWith('UP')), {
      describe: async () => `the balancer sees every hub: ${JSON.stringify(await states())}`,
    });
    return address;
  };
  return {
    start: async (options, turns) => {
      const stores = postgresStores(url);
      const start = async (port: number): Promise<Hub> => {
        const store = stores.open({ now: options.now });
        const listen = { host: '127.0.0.1', port };
        const archives = createHubArchives(folder);
        return startHub({ archives, store: { ...store, ...(turns && { turns }) }, ...options, listen });
      };
      const hubs = await Promise.all(ports.map(start));
      return {
        url: await balance(),
        renewSecrets: (secrets) => {
          for (const hub of hubs) hub.renewSecrets(secrets);
        },
        close: async () => {
          await Promise.all(hubs.map((hub) => hub.close()));
          await stores.close();
        },
      };
    },
    end: async () => balancer?.remove(),
  };
};
