import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openHubFiles } from '../../../../src/adapters/hub-files/hub-files.ts';
import { createManifestFiles } from '../../../../src/adapters/hub-files/manifest-files.ts';
import type { ManifestStore } from '../../../../src/core/ports/manifest-store.ts';
import { manifestStoreContract } from '../../../support/manifest-store-contract.ts';

manifestStoreContract('files', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-manifests-'));
  const opened = { files: await openHubFiles(folder) };
  const create = (): ManifestStore =>
    createManifestFiles({ files: opened.files, onRemark: () => undefined, onPublished: () => undefined });
  return {
    store: create(),
    reopen: async () => {
      await opened.files.close();
      opened.files = await openHubFiles(folder);
      return create();
    },
    cleanup: async () => {
      await opened.files.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
});
