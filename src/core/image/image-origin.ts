import type { ErrorCode } from '../vocabulary/error-codes.ts';

/** A source that did not provide the image. */
export interface SkippedSource {
  /** For people: the URL of a mirror, or the name of the registry. */
  readonly source: string;
  readonly code: ErrorCode;
  readonly message: string;
}

export interface ImageOrigin {
  readonly kind: 'registry' | 'mirror' | 'archive';
  /** For people, as in `SkippedSource`. */
  readonly source: string;
  readonly skipped: readonly SkippedSource[];
}
