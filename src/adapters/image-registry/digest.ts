import { createHash } from 'node:crypto';
import type { Digest } from '../../core/image/reference.ts';

export const digestOf = (bytes: Uint8Array): Digest =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}` as Digest;
