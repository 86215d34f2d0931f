import type { Archive } from '../image/archive.ts';
import type { ImageId, ImageReference } from '../image/reference.ts';
import type { EpochMs } from '../time.ts';

/** The desired version of every service of one environment (docs/DOCUMENTS.md, "The manifest"). */
export interface Manifest {
  readonly environment: string;
  readonly serial: number;
  readonly issuedAtMs: EpochMs;
  readonly expiresAtMs: EpochMs | undefined;
  readonly services: Readonly<Record<string, ManifestService>>;
  readonly rollout: Rollout | undefined;
  /**
   * A publisher stopped the rollout where it is: no switch begins while this manifest is the newest; repair
   * and rollback go on.
   */
  readonly freeze: Freeze | undefined;
  readonly publisher: Publisher | undefined;
}

export interface ManifestService {
  readonly image: ImageReference;
  /** Keyed by platform, e.g. `linux/amd64`. */
  readonly imageIds: Readonly<Record<string, ImageId>>;
  /** Keyed by platform; each of them has an image id. Absent: none. */
  readonly archives?: Readonly<Record<string, Archive>>;
  /** Raised by `publish --retry`; not part of the release. */
  readonly attempt: number;
}

export interface Rollout {
  readonly startAtMs: EpochMs;
  readonly durationSeconds: number;
  readonly startFraction: number;
}

export interface Freeze {
  readonly reason: string;
}

export interface Publisher {
  readonly name: string | undefined;
  readonly build: string | undefined;
  readonly url: string | undefined;
}

export interface TrustedKey {
  readonly name: string;
  /** Raw Ed25519 public key, 32 bytes, hex: its identity. */
  readonly publicKey: string;
}

export interface Trust {
  readonly epoch: number;
  readonly threshold: number;
  readonly keys: readonly TrustedKey[];
}

/** What stays of an accepted manifest: enough to verify it again when trust changes. */
export interface AcceptedManifest {
  /** From `trust.json`; 0 for an unsigned manifest, which is below every trust file's. */
  readonly epoch: number;
  readonly manifest: Manifest;
  /** SHA-256 of the payload bytes, hex. */
  readonly payloadSha256: string;
  /** The document exactly as it was read, base64. */
  readonly documentBase64: string;
  readonly signed: boolean;
  readonly acceptedAtMs: EpochMs;
}

/** Why a document was refused; each is one row of the acceptance table. */
export type RejectionReason =
  | 'too-large'
  | 'empty'
  | 'malformed'
  | 'unsigned'
  | 'signature'
  | 'schema'
  | 'environment'
  | 'older'
  | 'conflict'
  | 'expired'
  | 'digest-missing'
  | 'epoch';

export interface Rejection {
  readonly reason: RejectionReason;
  /** What is wrong, in one sentence, with the values that matter. */
  readonly message: string;
  readonly advice: string;
  /** Where it could be read. */
  readonly serial: number | undefined;
}

export type Acceptance =
  | { readonly kind: 'accepted'; readonly accepted: AcceptedManifest }
  /**
   * The same serial and payload as before. The document may have gained a signature: the ledger keeps this
   * one instead of its own, or a key that retires later would take the only signature it kept with it.
   */
  | { readonly kind: 'unchanged'; readonly documentBase64: string }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/**
 * Whether a kept document still holds under the trust of today. The manifest is the one that was verified,
 * not the kept copy.
 */
export type Reverification =
  | { readonly kind: 'valid'; readonly manifest: Manifest }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** The highest manifest accepted so far. */
export interface Watermark {
  readonly epoch: number;
  readonly serial: number;
  /** Undefined after a `recover`: only the serial is known, and whatever bears it is news. */
  readonly payloadSha256: string | undefined;
}
