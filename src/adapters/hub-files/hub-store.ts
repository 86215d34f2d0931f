import type { HubStore, StoreNews } from '../../core/ports/hub-store.ts';
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
}

const CHECK = `${WORK_FOLDER}/check`;

/** The store of one hub in a folder. */
export const createFolderStore = ({
  files,
  name,
  onRemark,
}: FolderStoreOptions): Omit<HubStore, 'fleets'> => {
  const followers = new Set<StoreNews>();
  const tell: StoreNews = (environment, what) => {
    for (const onNews of followers) onNews(environment, what);
  };
  return {
    name,
    manifests: createManifestFiles({
      files,
      onRemark,
      onPublished: (environment) => tell(environment, 'manifests'),
    }),
    turns: createTurnFiles(files),
    follow: (onNews) => {
      followers.add(onNews);
      return () => void followers.delete(onNews);
    },
    check: async () => (await files.apply([{ path: CHECK, bytes: new Uint8Array() }]))[0],
    close: files.close,
  };
};
