/** Paths of documents in every store (docs/DOCUMENTS.md, "The store"). */

/** The environment's current manifest; a host's MANIFEST_URL. */
export const manifestPath = (environment: string): string => `manifests/${environment}.json`;

/** Every published manifest, never overwritten. */
export const historyFolder = (environment: string): string => `manifests/${environment}`;
export const historyPath = (environment: string, serial: number): string =>
  `manifests/${environment}/${String(serial)}.json`;

/** The highest epoch with which a hub has accepted a manifest. */
export const epochPath = (environment: string): string => `manifests/${environment}/epoch.json`;

/** A temporary document that tests whether a store honours conditions. */
export const probePath = (environment: string): string => `manifests/${environment}/probe.json`;

/** Archives of all environments, named by digest, so that a promoted image is already there. */
export const ARCHIVE_FOLDER = 'archives';
export const archiveFile = (digest: string): string => `${digest.slice('sha256:'.length)}.tar`;
export const archivePath = (digest: string): string => `${ARCHIVE_FOLDER}/${archiveFile(digest)}`;

export const reportFolder = (environment: string): string => `reports/${environment}`;
export const reportPath = (environment: string, host: string): string =>
  `reports/${environment}/${host}.json`;

/** How far the changes of an environment are; below it, what people say about them. */
export const rolloutPath = (environment: string): string => `rollouts/${environment}`;

/** What a hub keeps of the turns of an environment. */
export const TURNS_FOLDER = 'turns';
export const turnsPath = (environment: string): string => `${TURNS_FOLDER}/${environment}.json`;

/** Where a host asks for its turns: POST. */
export const turnPath = (environment: string, host: string): string => `turns/${environment}/${host}`;
