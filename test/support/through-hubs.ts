const [UNIT, ENGINE] = ['test/unit', 'test/engine'];
const SCENARIOS = `${ENGINE}/scenarios`;

/**
 * The tests that publish, roll back, promote, wait, pace, keep archives or take turns through the hub of
 * `fleet-hub.ts` or of `unit/hub/scene.ts`: the project `hubs` runs them through three hubs on PostgreSQL
 * behind HAProxy.
 *
 * Not among them:
 * - `unit/hub/manifests` and `unit/hub/turns`: they look into the folder of the hub, or damage it. What they say of stores is
 *   also in the contract suites.
 * - `unit/hub/environment-tokens` and `unit/hub/rotation`: they count in the metrics of one hub.
 * - `neighbour-versions` and `neighbour-versions-store`: one of their hubs is of the version before, which has no
 *   `--store`.
 * - `secrets-in-parsers`: eight minutes about what the agent does with damaged files; it only reads reports from the hub.
 */
export const throughHubs: readonly string[] = [
  `${UNIT}/agent/turns-and-hub.test.ts`,
  `${UNIT}/cli/environment-token.test.ts`,
  `${UNIT}/cli/pace.test.ts`,
  `${UNIT}/cli/rollout.test.ts`,
  `${UNIT}/cli/rollout-hub.test.ts`,
  `${UNIT}/hub/archives.test.ts`,
  `${UNIT}/hub/turns-access.test.ts`,
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
