import { parseDatabaseAddress } from '../../src/adapters/hub-postgres/database-address.ts';
import { createHubPostgres, type HubPostgres } from '../../src/adapters/hub-postgres/hub-postgres.ts';
import { createHubArchives } from '../../src/adapters/hub-files/hub-archives.ts';
import { hostToken } from '../../src/core/hub/tokens.ts';
import type { TlsFiles } from '../../src/hub/http/http-server.ts';
import { startHub } from '../../src/hub/hub.ts';
import { DEFAULT_LIMITS } from '../../src/hub/limits.ts';
import { bearer, SECRET, SECRETS } from '../unit/hub/scene.ts';
import { hostStatus } from './status.ts';

export interface DatabaseHub {
  readonly url: string;
  readonly port: number;
  readonly store: HubPostgres;
  /** The current serial of staging, as hosts get it. */
  readonly serial: () => Promise<number>;
  /** As the host web-1 of staging, which has accepted this serial. Returns the status of the answer. */
  readonly report: (serial: number) => Promise<number>;
  readonly stop: () => Promise<void>;
}

/** A hub in this process on a database. */
export const startDatabaseHub = async (
  address: string,
  archives: string,
  tls?: TlsFiles,
): Promise<DatabaseHub> => {
  const store = createHubPostgres({ address: parseDatabaseAddress(address), now: Date.now });
  const hub = await startHub({
    store,
    archives: createHubArchives(archives),
    secrets: SECRETS,
    listen: { host: '127.0.0.1', port: 0 },
    tls,
    trust: () => Promise.resolve(undefined),
    limits: DEFAULT_LIMITS,
    assets: [],
    log: { write: () => undefined },
    now: Date.now,
    version: '0.0.0',
  });
  return {
    url: hub.url,
    port: Number(new URL(hub.url).port),
    store,
    serial: async () => {
      const answer = await fetch(`${hub.url}/manifests/staging.json`);
      return ((await answer.json()) as { serial: number }).serial;
    },
    report: async (serial) => {
      const status = hostStatus({
        host: 'web-1',
        environment: 'staging',
        at: new Date().toISOString(),
        manifest: { ...hostStatus().manifest, serial },
      });
      const answer = await fetch(`${hub.url}/reports/staging/web-1.json`, {
        method: 'PUT',
        body: JSON.stringify(status),
        headers: bearer(hostToken(SECRET, 'staging', 'web-1')),
      });
      return answer.status;
    },
    stop: async () => {
      await hub.close();
      await store.close();
    },
  };
};
