import { fileURLToPath } from 'node:url';
import type { ManifestSource } from '../../core/ports/manifest-source.ts';
import { createFileSource } from './file-source.ts';
import { createHttpSource } from './http-source.ts';
import type { HttpSourceOptions } from './http-source.ts';

/** The addresses of SUPERCARGO_MANIFEST_URL: one of `file:`, or all of `http:` and `https:`. */
export type ManifestSourceOptions = HttpSourceOptions;

/** Makes the source for the scheme of the addresses. */
export const createManifestSource = (options: ManifestSourceOptions): ManifestSource => {
  const [first] = options.hubs.addresses;
  return first.startsWith('file:') ? createFileSource(fileURLToPath(first)) : createHttpSource(options);
};
