/** Where documents are in a store; the same everywhere (docs/DOCUMENTS.md, "The store"). */

/** The environment's current manifest; a host's MANIFEST_URL. */
export const manifestPath = (environment: string): string => `manifests/${environment}.json`;

/** Every manifest that was published, never overwritten. */
export const historyFolder = (environment: string): string => `manifests/${environment}`;
export const historyPath = (environment: string, serial: number): string =>
  `manifests/${environment}/${String(serial)}.json`;

/** The highest epoch of a trust file that a hub has taken a manifest with. */
export const epochPath = (environment: string): string => `manifests/${environment}/epoch.json`;

/** Written and removed again, to learn whether a store honours conditions. */
export const probePath = (environment: string): string => `manifests/${environment}/probe.json`;

/**
 * Images of all environments, each named by its own digest: what passes from one to the next is there
 * already.
 */
export const ARCHIVE_FOLDER = 'archives';
export const archiveFile = (digest: string): string => `${digest.slice('sha256:'.length)}.tar`;
export const archivePath = (digest: string): string => `${ARCHIVE_FOLDER}/${archiveFile(digest)}`;

export const reportFolder = (environment: string): string => `reports/${environment}`;
export const reportPath = (environment: string, host: string): string =>
  `reports/${environment}/${host}.json`;
