import { fileURLToPath } from 'node:url';
import { AgentError } from '../../core/errors.ts';
import type { ManifestSource } from '../../core/ports/manifest-source.ts';
import { createFileSource } from './file-source.ts';
import { createHttpSource } from './http-source.ts';
import type { HttpSourceOptions } from './http-source.ts';

export interface ManifestSourceOptions extends Omit<HttpSourceOptions, 'url'> {
  /** SUPERCARGO_MANIFEST_URL: `file:`, `http:` or `https:`, without a user or password. */
  readonly url: string;
}

const configFault = (message: string, advice: string): AgentError =>
  new AgentError('CONFIG', message, { advice });

/** A `file:` URL names a file of this host. */
const toPath = (url: URL): string => {
  try {
    return fileURLToPath(url);
  } catch {
    throw configFault(
      'SUPERCARGO_MANIFEST_URL names a file of another host',
      'write file:///path/to/manifest.json, with three slashes',
    );
  }
};

/** Makes the source for the URL's scheme. @throws AgentError CONFIG if the URL cannot be used */
export const createManifestSource = (options: ManifestSourceOptions): ManifestSource => {
  const { url: text, ...http } = options;
  // Messages leave out the text, because even an invalid URL may hold a password.
  const url = URL.parse(text);
  if (url === null) {
    throw configFault('SUPERCARGO_MANIFEST_URL is not a URL', 'write it in full, with https:// or file://');
  }
  if (url.username !== '' || url.password !== '') {
    throw configFault(
      'SUPERCARGO_MANIFEST_URL holds a user or password',
      'write user:password into a file for the agent, and name it in SUPERCARGO_MANIFEST_CREDENTIALS',
    );
  }
  switch (url.protocol) {
    case 'file:':
      return createFileSource(toPath(url));
    case 'http:':
    case 'https:':
      return createHttpSource({ ...http, url });
    default:
      throw configFault(
        `SUPERCARGO_MANIFEST_URL starts with ${url.protocol}`,
        'use a file:, http: or https: address',
      );
  }
};
