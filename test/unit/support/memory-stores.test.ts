import { createMemoryManifests } from '../../support/memory-manifests.ts';
import { manifestStoreContract } from '../../support/manifest-store-contract.ts';

manifestStoreContract('memory', async () => {
  const store = createMemoryManifests(() => undefined);
  return Promise.resolve({
    store,
    reopen: async () => Promise.resolve(store),
    cleanup: async () => Promise.resolve(),
  });
});
