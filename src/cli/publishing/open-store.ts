import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createFolderArchives } from '../../adapters/document-store/folder-archives.ts';
import { createFolderStore } from '../../adapters/document-store/folder-store.ts';
import { createHttpArchives } from '../../adapters/document-store/http-archives.ts';
import { createHttpRollouts } from '../../adapters/document-store/http-rollouts.ts';
import { createHttpStore } from '../../adapters/document-store/http-store.ts';
import { createPatience, NO_PATIENCE } from '../../adapters/document-store/store-patience.ts';
import { createNoRollouts } from '../../adapters/document-store/no-rollouts.ts';
import { createImageRegistry } from '../../adapters/image-registry/image-registry.ts';
import { createRegistryCredentials } from '../../adapters/registry-credentials/registry-credentials.ts';
import type { PublisherConfig } from '../../config/publisher-config.ts';
import { AgentError, messageOf } from '../../core/errors.ts';
import { headerOfToken } from '../../core/hub/tokens.ts';
import type { ArchiveStore } from '../../core/ports/archive-store.ts';
import type { DocumentStore } from '../../core/ports/document-store.ts';
import type { ImageRegistry } from '../../core/ports/image-registry.ts';
import type { Rollouts } from '../../core/ports/rollouts.ts';
import { readTlsFiles } from '../../io/tls-files.ts';
import type { StoreFlags } from './options.ts';

const unreadable = (path: string, error: unknown): AgentError =>
  new AgentError('USAGE', `${path} cannot be read: ${messageOf(error)}`, {
    advice: 'name a PEM file that this user may read',
  });

const baseUrl = (base: string): URL => {
  if (!URL.canParse(base))
    throw new AgentError('USAGE', `"${base}" is not a valid store address`, {
      advice: 'write it like https://deploy.example.com, or the path of a folder',
    });
  const url = new URL(base);
  if (url.username === '' && url.password === '') return url;
  throw new AgentError('USAGE', 'the address of the store holds a password', {
    advice:
      'other users could read it in the process list: put user:password into SUPERCARGO_PUBLISH_TOKEN_FILE',
  });
};

export interface OpenStore {
  readonly documents: DocumentStore;
  readonly archives: ArchiveStore;
  readonly rollouts: Rollouts;
  /** For waits and watches: each request is sent once, because they ask again by themselves. */
  readonly watched: Pick<OpenStore, 'documents' | 'rollouts'>;
}

/** A hub then takes a manifest without a pace while a change is unfinished. */
const ANYWAY = '?anyway';

/** @throws AgentError USAGE */
export const openStore = async (
  flags: StoreFlags & { readonly anyway?: boolean },
  config: PublisherConfig,
  /** Told when the store goes away for a moment. */
  onWait?: (message: string) => void,
): Promise<OpenStore> => {
  const base = flags.to ?? config.store;
  if (base === undefined)
    throw new AgentError('USAGE', 'no store is given', {
      advice: 'name the store with --to https://deploy.example.com, or in SUPERCARGO_STORE',
    });
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(base)?.[1]?.toLowerCase();
  if (scheme !== undefined && !['http', 'https', 'file'].includes(scheme))
    throw new AgentError('USAGE', `a store cannot be reached by ${scheme}:`, {
      advice: 'name it as https://…, http://…, or the path of a folder',
    });
  if (scheme === undefined || scheme === 'file') {
    const folder = scheme === 'file' ? fileURLToPath(baseUrl(base)) : resolve(base);
    const documents = createFolderStore(folder);
    const watched = { documents, rollouts: createNoRollouts(documents.name) };
    return { ...watched, archives: createFolderArchives(folder), watched };
  }
  // The publish token may be that of one environment, and `promote` reads another one.
  const [toWrite, toRead] = [
    config.publishToken ?? config.readToken,
    config.readToken ?? config.publishToken,
  ];
  const options = {
    base: baseUrl(base),
    authorization: toWrite === undefined ? undefined : headerOfToken(toWrite),
    readAuthorization: toRead === undefined ? undefined : headerOfToken(toRead),
    tls: await readTlsFiles(flags, unreadable),
    patience: createPatience(onWait),
  };
  return {
    documents: createHttpStore({ ...options, ...(flags.anyway === true && { writeQuery: ANYWAY }) }),
    archives: createHttpArchives(options),
    rollouts: createHttpRollouts(options),
    watched: {
      documents: createHttpStore({ ...options, patience: NO_PATIENCE }),
      rollouts: createHttpRollouts({ ...options, patience: NO_PATIENCE }),
    },
  };
};

/** The engine's folder of registry certificates. */
const ENGINE_CERTIFICATES = '/etc/docker/certs.d';

export const openRegistry = ({ dockerConfigDir, path, home }: PublisherConfig): ImageRegistry =>
  createImageRegistry(createRegistryCredentials({ dockerConfigDir, path, home }), [
    join(dockerConfigDir, 'certs.d'),
    ENGINE_CERTIFICATES,
  ]);
