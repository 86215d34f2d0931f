import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import type { HubSecrets } from '../../../src/core/hub/secrets.ts';
import type { TurnStore } from '../../../src/core/ports/turn-store.ts';
import type { HubFiles } from '../../../src/core/ports/hub-files.ts';
import type { HubOptions } from '../../../src/hub/hub.ts';
import { DEFAULT_LIMITS } from '../../../src/hub/limits.ts';
import type { EventName } from '../../../src/core/vocabulary/event-names.ts';
import { placeOfSeveralHubs, placeOnFiles, type SceneHub, type SceneHubOptions } from './scene-hubs.ts';

export const PUBLISH = 'publish-token-of-the-tests';
export const SECRET = 'report-secret-of-the-tests';
export const READ = 'read-token-of-the-tests';
/** Without a read token. */
export const SECRETS: HubSecrets = {
  publishTokens: [PUBLISH],
  environmentTokens: [],
  reportSecrets: [SECRET],
  readTokens: [],
  revokedHosts: [],
};
export const SECRETS_WITH_READ: HubSecrets = { ...SECRETS, readTokens: [READ] };

export interface Scene {
  readonly folder: string;
  readonly url: string;
  readonly events: readonly {
    readonly event: EventName;
    readonly fields: Readonly<Record<string, unknown>>;
  }[];
  readonly get: (path: string, headers?: Record<string, string>) => Promise<Response>;
  readonly put: (
    path: string,
    body: string | Uint8Array,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  readonly post: (
    path: string,
    body: unknown,
    headers?: Record<string, string>,
    signal?: AbortSignal,
  ) => Promise<Response>;
  readonly publish: (
    environment: string,
    serial: number,
    headers?: Record<string, string>,
  ) => Promise<Response>;
  readonly report: (environment: string, host: string, status: object, token?: string) => Promise<Response>;
  readonly remove: (path: string, headers?: Record<string, string>) => Promise<Response>;
  /** The same folder, another life. */
  readonly restart: (change?: SceneChange) => Promise<void>;
  readonly renewSecrets: (secrets: HubSecrets) => void;
  readonly stop: () => Promise<void>;
  readonly end: () => Promise<void>;
}

export interface SceneOptions extends Partial<HubOptions> {
  /** Between the hub and its files. */
  readonly disk?: (files: HubFiles) => HubFiles;
  /** As if other hubs had the same store. */
  readonly isShared?: boolean;
}

export interface SceneChange extends Partial<HubOptions> {
  /** In place of those in the folder. */
  readonly turns?: TurnStore;
}

/** An empty folder that remembers nothing. */
export const noFiles: HubFiles = {
  read: () => Promise.resolve(undefined),
  list: () => Promise.resolve([]),
  apply: (changes) => Promise.resolve(changes.map(() => undefined)),
  touch: () => Promise.resolve(true),
};

export const manifestText = (
  environment: string,
  serial: number,
  image = 'registry.example.com/web:1.2.3',
): string =>
  JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment,
    serial,
    issuedAt: '2026-11-23T10:00:00Z',
    services: { web: { image } },
  });

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** A hub on a port and in a folder of its own. */
export const createScene = async ({
  disk = (files) => files,
  isShared = false,
  ...given
}: SceneOptions = {}): Promise<Scene> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-hub-'));
  const events: { event: EventName; fields: Readonly<Record<string, unknown>> }[] = [];
  const onRemark = (message: string): void => void events.push({ event: 'hub.warned', fields: { message } });
  const place =
    process.env['SUPERCARGO_TEST_HUBS'] === 'several'
      ? await placeOfSeveralHubs(folder)
      : placeOnFiles(folder, { disk, isShared, onRemark });
  const state: { hub: SceneHub | undefined } = { hub: undefined };
  const start = async ({ turns, ...change }: SceneChange = {}): Promise<void> => {
    const options = {
      secrets: SECRETS,
      listen: { host: '127.0.0.1', port: 0 },
      tls: undefined,
      trust: () => Promise.resolve(undefined),
      limits: DEFAULT_LIMITS,
      assets: [],
      log: { write: (_level, event, fields = {}) => void events.push({ event, fields }) },
      now: Date.now,
      version: '0.0.0',
      ...given,
      ...change,
    } satisfies SceneHubOptions;
    state.hub = await place.start(options, turns);
  };
  const stop = async (): Promise<void> => {
    const { hub } = state;
    state.hub = undefined;
    await hub?.close();
  };
  await start().catch(async (error: unknown) => {
    await rm(folder, { recursive: true, force: true });
    throw error;
  });
  const urlOf = (path: string): string => `${state.hub?.url ?? ''}${path}`;
  const send = (
    method: string,
    path: string,
    headers: Record<string, string>,
    body?: string | Uint8Array,
    signal?: AbortSignal,
  ) =>
    fetch(urlOf(path), {
      ...(signal && { signal }),
      method,
      redirect: 'manual',
      headers,
      ...(body !== undefined && { body: typeof body === 'string' ? body : Buffer.from(body) }),
    });
  return {
    folder,
    get url() {
      return urlOf('');
    },
    events,
    get: (path, headers = {}) => send('GET', path, headers),
    put: (path, body, headers = bearer(PUBLISH)) => send('PUT', path, headers, body),
    post: (path, body, headers = bearer(PUBLISH), signal) =>
      send('POST', path, headers, typeof body === 'string' ? body : JSON.stringify(body), signal),
    publish: (environment, serial, headers = {}) =>
      send(
        'PUT',
        `/manifests/${environment}.json`,
        { ...bearer(PUBLISH), ...headers },
        manifestText(environment, serial),
      ),
    report: (environment, host, status, token = hostToken(SECRET, environment, host)) =>
      send('PUT', `/reports/${environment}/${host}.json`, bearer(token), JSON.stringify(status)),
    remove: (path, headers = bearer(PUBLISH)) => send('DELETE', path, headers),
    restart: async (change) => {
      await stop();
      await start(change);
    },
    renewSecrets: (secrets) => state.hub?.renewSecrets(secrets),
    stop,
    end: async () => {
      await stop();
      await place.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

/** A hub that ends with the test. */
export const scene = async (options: SceneOptions = {}): Promise<Scene> => {
  const made = await createScene(options);
  onTestFinished(async () => made.end());
  return made;
};
