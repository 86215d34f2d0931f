import type { HubStore, StoreNews } from '../../core/ports/hub-store.ts';
import type { EpochMs } from '../../core/time.ts';
import { openFleetFiles } from './fleet-files.ts';
import type { OpenHubFiles } from './hub-files.ts';
import { WORK_FOLDER } from './hub-folder.ts';
import { createManifestFiles } from './manifest-files.ts';
import { createTurnFiles } from './turn-files.ts';

export interface FolderStoreOptions {
  readonly files: OpenHubFiles;
  /** The folder. */
  readonly name: string;
  /** Called when the folder is not as a hub leaves it, or could not be brought in order. */
  readonly onRemark: (remark: string) => void;
  readonly now: () => EpochMs;
}

const CHECK = `${WORK_FOLDER}/check`;

/** The store of one hub in a folder. @throws AgentError STORE */
export const openFolderStore = async ({
  files,
  name,
  onRemark,
  now,
}: FolderStoreOptions): Promise<HubStore> => {
  const followers = new Set<StoreNews>();
  const tell: StoreNews = (environment, what) => {
    for (const onNews of followers) onNews(environment, what);
  };
  const turns = createTurnFiles(files);
  const fleets = await openFleetFiles({
    files,
    now,
    withTurns: await turns.environments(),
    onNews: (environment) => tell(environment, 'reports'),
  });
  return {
    name,
    isShared: false,
    manifests: createManifestFiles({
      files,
      onRemark,
      onPublished: (environment) => tell(environment, 'manifests'),
    }),
    fleets,
    turns,
    follow: (onNews) => {
      followers.add(onNews);
      return () => void followers.delete(onNews);
    },
    check: async () => (await files.apply([{ path: CHECK, bytes: Buffer.from('ok\n') }]))[0],
    close: files.close,
  };
};
