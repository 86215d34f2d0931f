import { readPublication } from '../hub/publication.ts';
import { isSpent } from '../manifest/serial.ts';
import type { Manifest, Trust } from '../manifest/manifest.ts';
import type { StoredDocument } from '../ports/document-store.ts';

/** A document that a publish does not build upon. */
export interface Unusable {
  readonly path: string;
  /**
   * `damaged`: no manifest of this environment; `newer`: a known key signed it, but its form is not known to
   * this version; `unsigned`: no signature; `signature`: no signature by a
   * known key; `spent`: a serial that leaves no room for the next ones.
   */
  readonly fault: 'damaged' | 'newer' | 'unsigned' | 'signature' | 'spent';
  readonly message: string;
  /** The unverified manifest; undefined if damaged. */
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

/** The documents of an environment in a store. */
export interface PublishedState {
  /** The document at the current address, usable or not; undefined if there is none. */
  readonly place: StoredDocument | undefined;
  /** The serial of `place`, if it can be read. */
  readonly serialInPlace: number | undefined;
  /** The usable manifest with the highest serial. */
  readonly newest: Usable | undefined;
  /** Documents at the current address or newer than `newest`, the highest serial first. */
  readonly unusable: readonly Unusable[];
  /** Every serial in the store. */
  readonly serials: readonly number[];
}

interface Document {
  readonly path: string;
  readonly bytes: Uint8Array;
  readonly environment: string;
}

/** The signature is verified first, so a document with a good one is intact. */
const faultOf = (code: string, trust: Trust | undefined): Unusable['fault'] => {
  if (code === 'unsigned' || code === 'signature') return code;
  return code === 'schema' && trust !== undefined ? 'newer' : 'damaged';
};

/** Judges whether a publish may build upon a document. Without trust, signatures are not checked. */
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
    const fault = faultOf(read.refusal.code, trust);
    return unusable(fault, fault === 'unsigned' ? 'it has no signature' : read.refusal.message);
  }
  const { isSigned } = read.publication;
  const { serial } = read.publication.manifest;
  if (isSpent(serial)) return unusable('spent', `serial ${String(serial)} leaves no room for the next ones`);
  return { kind: 'usable', usable: { path, bytes, manifest: read.publication.manifest, isSigned } };
};
