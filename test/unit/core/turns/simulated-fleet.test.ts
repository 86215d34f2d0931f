import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pace } from '../../../../src/core/manifest/pace.ts';
import { stateOf } from '../../../support/simulated-fleet/host-service.ts';
import { runScenario } from '../../../support/simulated-fleet/run-scenario.ts';
import {
  paces,
  scenarios,
  type Happening,
  type Scenario,
  type Weights,
} from '../../../support/simulated-fleet/scenario.ts';
import {
  createSimulatedFleet,
  START_MS,
  type SimulatedFleet,
} from '../../../support/simulated-fleet/simulated-fleet.ts';
import { isBadRelease, releaseOf } from '../../../support/simulated-fleet/versions.ts';
import type { Rule, Violations } from '../../../support/simulated-fleet/watch.ts';

const RUNS = process.env['RUNS'];
/** `npm run test:long` tries 2,000 other fleets (RUNS). */
const runs = (quick: number): fc.Parameters<unknown> =>
  RUNS === undefined ? { numRuns: quick, seed: 1 } : { numRuns: Math.ceil((Number(RUNS) * quick) / 100) };

/** All rules look at the same fleets. */
const SEED = RUNS === undefined ? 1 : Date.now();

/** Thousands of fleets take longer than a test usually may. */
const LIMIT_MS = RUNS === undefined ? 60_000 : 4 * 3_600_000;

const SMALL = fc.integer({ min: 2, max: 10 });
const MIDDLE = fc.integer({ min: 11, max: 40 });
const LARGE = fc.integer({ min: 200, max: 300 });
const sizes = fc.oneof(
  { arbitrary: SMALL, weight: 100 },
  { arbitrary: MIDDLE, weight: 5 },
  // One of them takes as long as a hundred small ones.
  { arbitrary: LARGE, weight: RUNS === undefined ? 0 : 1 },
);

const ALL: Weights = {
  publish: 6,
  retry: 1,
  rollback: 2,
  pace: 1,
  files: 2,
  agent: 4,
  loss: 2,
  fleet: 1,
  gate: 3,
  broken: 2,
  hang: 1,
  clock: 1,
  hub: 2,
  person: 2,
};

const outcomes = new Map<string, Violations>();
const violationsOf = (scenario: Scenario): Violations => {
  const key = JSON.stringify(scenario);
  const found = outcomes.get(key) ?? runScenario(scenario).violations;
  outcomes.set(key, found);
  return found;
};

describe('a fleet of simulated hosts, whatever happens to hosts, store and publisher', () => {
  it.each<[string, Rule]>([
    ['no turn is granted at maxParallel slots of a service, except after free or leave-out', 'slots'],
    ['no slot is freed by time', 'time-frees-nothing'],
    ['no host of a later wave begins before the wave before is good and soaked', 'waves'],
    [
      'a version that is bad everywhere reaches at most maxParallel + haltAfter hosts of a service',
      'bad-everywhere',
    ],
    ['nothing of a halted change begins', 'halted'],
    ['every change ends, waits for hosts that it names, or is halted with a reason', 'ends'],
  ])(
    '%s',
    (_title, rule) => {
      const property = fc.property(scenarios({ weights: ALL, hosts: sizes }), (scenario) => {
        expect(violationsOf(scenario)[rule]).toEqual([]);
      });
      fc.assert(property, { ...runs(100), seed: SEED });
    },
    LIMIT_MS,
  );
});

const MINUTE_MS = 60_000;

/** A fleet in which nothing fails but what a test lets fail. */
const calmFleet = (pace: Pace, hosts: number, seed: number): SimulatedFleet => {
  const fleet = createSimulatedFleet({
    seed,
    hosts,
    fresh: 0,
    pace,
    network: { loss: 0, repeated: 0, slow: 0 },
    leadMs: 0,
  });
  fleet.timeline.runUntil(START_MS + 2 * MINUTE_MS + pace.soakSeconds * 3_000);
  return fleet;
};

const run = (fleet: SimulatedFleet, ms: number): void => fleet.timeline.runUntil(fleet.timeline.nowMs() + ms);

const publish = (entry: number, behaviour: 'good' | 'bad'): Happening => ({
  kind: 'publish',
  entries: [entry],
  behaviour,
  isUrgent: false,
});

/** Hosts whose web service does not have the release that it should run. */
const behind = (fleet: SimulatedFleet): readonly string[] =>
  fleet.hosts.flatMap((host) => {
    const [web] = host.services;
    const want = web && host.desired(web);
    return want && stateOf(web, want) === 'good' ? [] : [host.name];
  });

const calm = fc.record({ pace: paces, hosts: fc.integer({ min: 2, max: 10 }), seed: fc.integer() });

describe('a calm fleet', () => {
  it(
    'finishes a good change of one service while another service is published every minute',
    () => {
      const property = fc.property(calm, ({ pace, hosts, seed }) => {
        const fleet = calmFleet(pace, hosts, seed);
        fleet.happen(publish(0, 'good'));
        for (let minute = 0; minute < 90; minute += 1) {
          run(fleet, MINUTE_MS);
          fleet.happen(publish(2, 'good'));
        }
        expect(behind(fleet)).toEqual([]);
      });
      fc.assert(property, runs(12));
    },
    LIMIT_MS,
  );

  it(
    'keeps a bad version to few hosts while another service is published every minute',
    () => {
      const property = fc.property(calm, ({ pace, hosts, seed }) => {
        const fleet = calmFleet(pace, hosts, seed);
        fleet.happen(publish(0, 'bad'));
        for (let minute = 0; minute < 30; minute += 1) {
          run(fleet, MINUTE_MS);
          fleet.happen(publish(1, 'good'));
        }
        expect(fleet.violations).toMatchObject({ 'bad-everywhere': [], slots: [] });
        expect(fleet.read().changes.map(({ state }) => state)).toContain('halted');
      });
      fc.assert(property, runs(12));
    },
    LIMIT_MS,
  );

  it(
    'goes back without waves or soak when the way back is urgent',
    () => {
      const property = fc.property(calm, ({ pace, hosts, seed }) => {
        const waves = [{ labels: { canary: 'true' } }, { percent: 100 }];
        const fleet = calmFleet({ ...pace, waves, soakSeconds: 0 }, hosts, seed);
        fleet.happen(publish(0, 'good'));
        run(fleet, 60 * MINUTE_MS);
        expect(behind(fleet)).toEqual([]);
        // A wave whose only hosts are held would wait for them.
        const held = fleet.hosts.filter(({ labels }) => labels['canary'] === 'true');
        for (const host of held) host.isHeld = true;
        fleet.happen({ kind: 'pace', maxParallel: pace.maxParallel, soakSeconds: 3_600 });
        fleet.happen({ kind: 'rollback', entry: 0 });
        // A host needs at most a minute for its turn, and may have to ask again.
        run(fleet, (2 * hosts + 3) * MINUTE_MS);
        expect(behind(fleet)).toEqual(held.map(({ name }) => name));
      });
      fc.assert(property, runs(12));
    },
    LIMIT_MS,
  );

  it(
    'takes an urgent way back although a person halted the fleet before',
    () => {
      const property = fc.property(calm, ({ pace, hosts, seed }) => {
        const fleet = calmFleet({ ...pace, soakSeconds: 0 }, hosts, seed);
        fleet.happen(publish(0, 'good'));
        run(fleet, 60 * MINUTE_MS);
        expect(behind(fleet)).toEqual([]);
        fleet.happen({ kind: 'halt', seconds: null });
        fleet.happen({ kind: 'rollback', entry: 0 });
        run(fleet, (2 * hosts + 3) * MINUTE_MS);
        expect(behind(fleet)).toEqual([]);
      });
      fc.assert(property, runs(12));
    },
    LIMIT_MS,
  );
});

describe('a store that comes back with an older copy of what it knew', () => {
  const seconds = fc.integer({ min: 1, max: 90 });
  it(
    'grants no turn at maxParallel slots, and no more hosts begin a bad version',
    () => {
      const property = fc.property(
        calm,
        fc.record({ publishToCopy: seconds, copyToEnd: seconds, isAway: fc.integer({ min: 1, max: 90 }) }),
        fc.constantFrom('good' as const, 'bad' as const),
        ({ pace, hosts, seed }, times, behaviour) => {
          const fleet = calmFleet(pace, hosts, seed);
          fleet.happen(publish(0, behaviour));
          run(fleet, times.publishToCopy * 1000);
          fleet.happen({ kind: 'hub-copy' });
          run(fleet, times.copyToEnd * 1000);
          fleet.happen({ kind: 'hub-restore', seconds: times.isAway });
          run(fleet, 30 * MINUTE_MS);
          expect(fleet.violations).toMatchObject({ slots: [], 'bad-everywhere': [], waves: [] });
        },
      );
      fc.assert(property, runs(50));
    },
    LIMIT_MS,
  );
});

describe('faults that are not the version’s', () => {
  it(
    'never halt a change when a host has them before it begins',
    () => {
      const property = fc.property(scenarios({ weights: { harmless: 1 }, hosts: SMALL }), (scenario) => {
        expect(runScenario(scenario).halts).toEqual([]);
      });
      fc.assert(property, runs(30));
    },
    LIMIT_MS,
  );

  it(
    'never halt a change where it did not serve before, or never ran, once one host is good',
    () => {
      const property = fc.property(calm, ({ pace, hosts, seed }) => {
        const fleet = calmFleet(pace, hosts, seed);
        const version = 'web-2:bad-on-some';
        const spared = fleet.hosts.filter((host) => isBadRelease(releaseOf(version, 'files-0'), host.name));
        fc.pre(spared.length < hosts);
        for (const host of spared) host.isHeld = true;
        fleet.happen({ kind: 'publish', entries: [0], behaviour: 'bad-on-some', isUrgent: false });
        run(fleet, 5 * MINUTE_MS);
        for (let number = 0; number < 3; number += 1) fleet.happen({ kind: 'join' });
        run(fleet, 5 * MINUTE_MS);
        for (const host of spared)
          for (const service of host.services) {
            host.isHeld = false;
            service.brokenUntilMs = fleet.timeline.nowMs() + 3 * MINUTE_MS;
            host.step();
          }
        run(fleet, 60 * MINUTE_MS);
        expect(fleet.hosts.some((host) => host.services[0]?.good[0]?.digest === version)).toBe(true);
        expect(fleet.halts()).toEqual([]);
      });
      fc.assert(property, runs(12));
    },
    LIMIT_MS,
  );
});
