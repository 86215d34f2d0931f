/** Of the tests: what `npm test` runs, what only `npm run test:long` does, or all. Files of the second kind end in `.long.test.ts`. */
export type Share = 'quick' | 'long' | 'all';

export const share = (process.env['SUPERCARGO_TESTS'] ?? 'all') as Share;
