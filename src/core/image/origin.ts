import type { ErrorCode } from '../errors.ts';

/** A source that was asked first and did not give the image. */
export interface SkippedSource {
  /** For people: a mirror's URL, or the name of the registry. */
  readonly source: string;
  readonly code: ErrorCode;
  readonly message: string;
}

/** Where an image came from. */
export interface ImageOrigin {
  readonly kind: 'registry' | 'mirror' | 'archive';
  /** For people, as in `SkippedSource`. */
  readonly source: string;
  readonly skipped: readonly SkippedSource[];
}
