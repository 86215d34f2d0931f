import { share } from '../support/share.ts';

export const isWhole = share !== 'quick';

/** `npm test` tries every so many moments, another share of them for each fault's rows; `npm run test:faults` tries all. */
const EVERY = isWhole ? 1 : 15;

export const pick = <T>(moments: readonly T[]): T[] =>
  moments.filter((_, index) => index % EVERY === EVERY >> 1);
