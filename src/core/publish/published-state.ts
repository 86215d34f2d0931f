import { readPublication } from '../hub/publication.ts';
import { isSpent } from '../manifest/serial.ts';
import type { Manifest, Trust } from '../manifest/manifest.ts';
import type { StoredDocument } from '../ports/document-store.ts';

/** A document that nothing is built upon. */
export interface Unusable {
  readonly path: string;
  /**
   * `damaged`: it is no manifest of this environment; `unsigned`: it bears no signature; `signature`: no
   * known key has signed it; `spent`: its serial leaves no room for the next ones.
   */
  readonly fault: 'damaged' | 'unsigned' | 'signature' | 'spent';
  readonly message: string;
  /** What it says, whoever says it; undefined where it is damaged. */
  readonly manifest: Manifest | undefined;
}

export interface Usable {
  readonly path: string;
  readonly manifest: Manifest;
  readonly bytes: Uint8Array;
  readonly isSigned: boolean;
}

export type Opened =
  | { readonly kind: 'usable'; readonly usable: Usable }
  | { readonly kind: 'unusable'; readonly unusable: Unusable };

/** What a store has of an environment. */
export interface PublishedState {
  /** The document in the place of the current manifest, whatever it is; undefined: there is none. */
  readonly place: StoredDocument | undefined;
  /** The serial that it bears, as far as it can be read. */
  readonly serialInPlace: number | undefined;
  /** The highest serial that may be built upon, wherever it was found. */
  readonly newest: Usable | undefined;
  /** Found in its place or above it, the highest serial first. */
  readonly unusable: readonly Unusable[];
  /** Every serial that a document in the store bears. */
  readonly serials: readonly number[];
}

interface Document {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly environment: string;
}

const faultOf = (code: string): Unusable['fault'] =>
  code === 'unsigned' || code === 'signature' ? code : 'damaged';

/** Judges a document as one to build upon. Without trust anybody's is. */
export const openPublished = ({ path, bytes, environment }: Document, trust: Trust | undefined): Opened => {
  const judgedBy = (by: Trust | undefined) =>
    readPublication({ document: bytes, environment, trust: by, nowMs: undefined });
  const read = judgedBy(trust);
  const unjudged = read.kind === 'publication' ? read : judgedBy(undefined);
  const manifest = unjudged.kind === 'publication' ? unjudged.publication.manifest : undefined;
  const unusable = (fault: Unusable['fault'], message: string): Opened => ({
    kind: 'unusable',
    unusable: { path, fault, message, manifest },
  });
  if (read.kind === 'refused') {
    const fault = faultOf(read.refusal.code);
    return unusable(fault, fault === 'unsigned' ? 'it bears no signature' : read.refusal.message);
  }
  const { isSigned } = read.publication;
  const { serial } = read.publication.manifest;
  if (isSpent(serial)) return unusable('spent', `serial ${String(serial)} leaves no room for the next ones`);
  return { kind: 'usable', usable: { path, bytes, manifest: read.publication.manifest, isSigned } };
};
