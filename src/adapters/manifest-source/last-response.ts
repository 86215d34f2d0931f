import { createHash } from 'node:crypto';
import type { Fetched } from '../../core/ports/manifest-source.ts';

export interface LastSeen {
  /** Returns `unchanged` for the bytes of the last call. */
  compare(bytes: Uint8Array): Fetched;
}

/** Remembers the last document by its SHA-256. */
export const createLastSeen = (): LastSeen => {
  let last: string | undefined;
  return {
    compare: (bytes) => {
      const hash = createHash('sha256').update(bytes).digest('hex');
      if (hash === last) return { kind: 'unchanged' };
      last = hash;
      return { kind: 'document', bytes };
    },
  };
};
