/** `npm test` tries every so many moments, another share of them for each fault's rows; `npm run test:faults` tries all. */
const EVERY = Number(process.env['FAULTS_EVERY'] ?? 1);

export const isWhole = EVERY === 1;

export const pick = <T>(moments: readonly T[]): T[] =>
  moments.filter((_, index) => index % EVERY === EVERY >> 1);
