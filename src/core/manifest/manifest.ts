import type { Archive } from '../image/archive.ts';
import type { ImageId, ImageReference } from '../image/reference.ts';
import type { EpochMs } from '../time.ts';
import type { RejectionReason } from '../vocabulary/reasons.ts';
import type { Pace } from './pace.ts';

/** The desired version of every service of one environment (docs/DOCUMENTS.md, "The manifest"). */
export interface Manifest {
  readonly environment: string;
  readonly serial: number;
  readonly issuedAtMs: EpochMs;
  readonly expiresAtMs: EpochMs | undefined;
  readonly services: Readonly<Record<string, ManifestService>>;
  readonly rollout: Rollout | undefined;
  /**
   * Set by a publisher to stop the rollout: no switch begins while this manifest is the newest. Repair and
   * rollback continue.
   */
  readonly freeze: Freeze | undefined;
  readonly publisher: Publisher | undefined;
  /** How fast the fleet may change. Undefined: each host decides alone. */
  readonly pace?: Pace | undefined;
  /** Its change goes on without waves and soak. Only together with a pace. */
  readonly urgent?: Urgent | undefined;
}

export interface Urgent {
  readonly reason: string;
}

export interface ManifestService {
  readonly image: ImageReference;
  /** By platform, such as `linux/amd64`. */
  readonly imageIds: Readonly<Record<string, ImageId>>;
  /** By platform. Each of these platforms also has an image id. */
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
  /** The raw Ed25519 public key: 32 bytes in hex. */
  readonly publicKey: string;
}

export interface Trust {
  readonly epoch: number;
  readonly threshold: number;
  readonly keys: readonly TrustedKey[];
}

/** What the ledger keeps of an accepted manifest: enough to verify it again when the trust changes. */
export interface AcceptedManifest {
  /** From `trust.json`. 0 for an unsigned manifest, which is lower than any epoch of a trust file. */
  readonly epoch: number;
  readonly manifest: Manifest;
  /** SHA-256 of the payload bytes, hex. */
  readonly payloadSha256: string;
  /** The document exactly as it was read, in base64. */
  readonly documentBase64: string;
  readonly signed: boolean;
  readonly acceptedAtMs: EpochMs;
}

export interface Rejection {
  readonly reason: RejectionReason;
  /** What is wrong, in one sentence with the relevant values. */
  readonly message: string;
  readonly advice: string;
  /** Undefined if the document does not show it. */
  readonly serial: number | undefined;
}

export type Acceptance =
  | { readonly kind: 'accepted'; readonly accepted: AcceptedManifest }
  /**
   * The same serial and payload as before. The ledger replaces its document with this one, which may carry a
   * new signature that is still valid after an older key is retired.
   */
  | { readonly kind: 'unchanged'; readonly documentBase64: string }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** Whether the current trust still verifies the kept document. `manifest` comes from the verified bytes. */
export type Reverification =
  | { readonly kind: 'valid'; readonly manifest: Manifest }
  | { readonly kind: 'rejected'; readonly rejection: Rejection };

/** The highest manifest accepted so far. */
export interface Watermark {
  readonly epoch: number;
  readonly serial: number;
  /**
   * Undefined after a `recover`, which knows only the serial. Any manifest with that serial then counts as
   * new.
   */
  readonly payloadSha256: string | undefined;
}
