import { entityTagOf } from '../../core/hub/conditional-request.ts';
import { readPublication } from '../../core/hub/publication.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';

export interface HeldDocument {
  readonly bytes: Uint8Array;
  readonly tag: string;
}

export interface CurrentManifest extends HeldDocument {
  /** Undefined if the document is no manifest of this environment. */
  readonly serial: number | undefined;
  /** The document has signatures; whether they are valid was judged at its publish. */
  readonly isSigned: boolean;
}

const open = (document: Uint8Array, environment: string) => {
  const read = readPublication({ document, environment, trust: undefined, nowMs: undefined });
  return read.kind === 'publication' ? read.publication : undefined;
};

/**
 * Reads a stored document without trust: it was judged at its publish, and a change of keys does not
 * unpublish it. Undefined if it is no manifest of this environment.
 */
export const readStored = (document: Uint8Array, environment: string): Manifest | undefined =>
  open(document, environment)?.manifest;

export const toCurrent = (bytes: Uint8Array, environment: string): CurrentManifest => {
  const found = open(bytes, environment);
  return {
    bytes,
    tag: entityTagOf(bytes),
    serial: found?.manifest.serial,
    isSigned: found?.isSigned === true,
  };
};
