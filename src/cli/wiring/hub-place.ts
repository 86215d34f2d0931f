import { createHubArchives } from '../../adapters/hub-files/hub-archives.ts';
import { openHubFiles, prepareSharedFolder } from '../../adapters/hub-files/hub-files.ts';
import { openFolderStore } from '../../adapters/hub-files/hub-store.ts';
import type { DatabaseAddress } from '../../adapters/hub-postgres/database-address.ts';
import { createHubPostgres } from '../../adapters/hub-postgres/hub-postgres.ts';
import type { HubArchives } from '../../core/ports/hub-archives.ts';
import type { HubStore } from '../../core/ports/hub-store.ts';

/** Where a hub keeps everything. */
export interface HubPlace {
  readonly store: HubStore;
  readonly archives: HubArchives;
}

export interface HubPlaceOptions {
  /** The folder: of everything, or of the archives alone if there is a database. */
  readonly data: string;
  readonly database: DatabaseAddress | undefined;
  readonly onRemark: (message: string) => void;
}

/** One hub has its folder for itself; hubs with a database may share it. @throws AgentError STORE */
export const openHubPlace = async ({ data, database, onRemark }: HubPlaceOptions): Promise<HubPlace> => {
  if (database !== undefined) {
    await prepareSharedFolder(data, Date.now());
    return {
      store: createHubPostgres({ address: database, now: Date.now }),
      archives: createHubArchives(data),
    };
  }
  const files = await openHubFiles(data);
  try {
    const store = await openFolderStore({ files, name: data, now: Date.now, onRemark });
    return { store, archives: createHubArchives(data) };
  } catch (error) {
    await files.close();
    throw error;
  }
};
