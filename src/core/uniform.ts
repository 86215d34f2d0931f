import { createHash } from 'node:crypto';

/**
 * Uniform in [0, 1), and always the same for a text: the first 4 bytes of its SHA-256, big endian, over 2^32.
 */
export const uniformOf = (text: string): number =>
  createHash('sha256').update(text).digest().readUInt32BE(0) / 2 ** 32;
