import { createHash } from 'node:crypto';

/**
 * A number in [0, 1) for a text, always the same one: the first 4 bytes of its SHA-256, big endian, over
 * 2^32.
 */
export const uniformOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
