const RUNS = process.env['RUNS'];

/**
 * The cases of a property. `npm test` tries the same 200 each time, so that a case that fails fails again;
 * `npm run test:long` tries 2,000 others (RUNS).
 */
export const runs = RUNS === undefined ? { numRuns: 200, seed: 1 } : { numRuns: Number(RUNS) };
