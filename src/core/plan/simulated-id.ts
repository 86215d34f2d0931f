import { createHash } from 'node:crypto';

export const idOf = (...parts: readonly string[]): string =>
  createHash('sha256').update(parts.join('/')).digest('hex');
