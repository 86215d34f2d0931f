const ENGINE = 'test/engine';
const SCENARIOS = `${ENGINE}/scenarios`;

/**
 * The engine tests that publish, roll back, promote, wait, pace, keep archives or take turns through the hub of
 * `fleet-hub.ts`: the project `hubs` runs them through three hubs on PostgreSQL behind HAProxy.
 *
 * Not among them:
 * - `neighbour-versions` and `neighbour-versions-store`: one of their hubs is of the version before, which has no
 *   `--store`.
 * - `secrets-in-parsers`: eight minutes about what the agent does with damaged files; it only reads reports from the hub.
 */
export const throughHubs: readonly string[] = [
  `${ENGINE}/hub-page.test.ts`,
  `${SCENARIOS}/archives.test.ts`,
  `${SCENARIOS}/fleet.test.ts`,
  `${SCENARIOS}/fleet-envelopes.test.ts`,
  `${SCENARIOS}/fleet-failures.long.test.ts`,
  `${SCENARIOS}/fleet-jobs.long.test.ts`,
  `${SCENARIOS}/fleet-stolen-key.long.test.ts`,
  `${SCENARIOS}/secrets.test.ts`,
  `${SCENARIOS}/turns.test.ts`,
];
