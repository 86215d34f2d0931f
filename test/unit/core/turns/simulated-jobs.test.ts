import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/core/manifest/manifest.ts';
import { DEFAULT_PACE } from '../../../../src/core/manifest/pace.ts';
import { createJobHost, JOB, keyOf, type JobHost } from '../../../support/simulated-fleet/job-host.ts';
import { createRandom } from '../../../support/simulated-fleet/random.ts';
import { createSimulatedStore, ENVIRONMENT } from '../../../support/simulated-fleet/simulated-store.ts';
import { createTimeline } from '../../../support/simulated-fleet/timeline.ts';

const RUNS = process.env['RUNS'];
const START_MS = Date.parse('2026-11-23T12:00:00Z');
const TURN_SECONDS = 300;

type Event =
  | { readonly kind: 'publish'; readonly behaviour: 'good' | 'bad' }
  | { readonly kind: 'retry' | 'rollback' | 'elsewhere' | 'resume' | 'hub-copy' }
  | { readonly kind: 'hub-kill' | 'hub-restore'; readonly seconds: number }
  | { readonly kind: 'die' | 'remove-report' | 'ledger-copy' | 'ledger-restore'; readonly host: number }
  | { readonly kind: 'kill' | 'partition' | 'hold'; readonly host: number; readonly seconds: number };

const host = fc.nat(9);
const seconds = fc.oneof(fc.integer({ min: 1, max: 120 }), fc.integer({ min: 300, max: 900 }));
const event: fc.Arbitrary<Event> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('publish'), behaviour: fc.constantFrom('good', 'good', 'bad') }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('retry', 'rollback', 'elsewhere', 'elsewhere', 'resume', 'hub-copy'),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom('hub-kill', 'hub-restore', 'hub-restore'),
      seconds: fc.integer({ min: 1, max: 120 }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('die', 'remove-report', 'ledger-copy', 'ledger-restore', 'ledger-restore'),
      host,
    }),
  },
  {
    weight: 8,
    arbitrary: fc.record({ kind: fc.constantFrom('kill', 'kill', 'partition', 'hold'), host, seconds }),
  },
);

interface Scenario {
  readonly seed: number;
  readonly hosts: number;
  /** Of a message. */
  readonly loss: number;
  readonly events: readonly { readonly atSeconds: number; readonly what: Event }[];
}

const scenario: fc.Arbitrary<Scenario> = fc.record({
  seed: fc.integer(),
  hosts: fc.integer({ min: 2, max: 6 }),
  loss: fc.constantFrom(0, 0.05, 0.3),
  events: fc.array(fc.record({ atSeconds: fc.nat(3_000), what: event }), { minLength: 1, maxLength: 20 }),
});

interface Run {
  readonly host: string;
  readonly key: string;
  readonly atMs: number;
}

/** A fleet with one job, in which this happens. At the end all faults are over, and a person resumes what is lost. */
const play = ({ seed, hosts: size, loss, events }: Scenario) => {
  const timeline = createTimeline(START_MS);
  const random = createRandom(seed);
  const runs: Run[] = [];
  const elsewhereMs: number[] = [];
  const copies = new Map<string, () => void>();
  const store = createSimulatedStore({
    timeline,
    random,
    askAgainMs: [5_000, 15_000],
    watch: { written: () => undefined, granted: () => undefined },
  });
  let isCalm = false;
  const send = ({ isCutOff }: JobHost, deliver: () => void): void => {
    if (isCutOff || (!isCalm && random.chance(loss))) return;
    timeline.after(
      isCalm || random.chance(0.9) ? random.between(5, 300) : random.between(1_000, 30_000),
      deliver,
    );
  };
  const hosts = Array.from({ length: size }, (_, number) =>
    createJobHost({
      name: `host-${String(number)}`,
      timeline,
      random,
      store,
      send,
      doesFail: ({ digest, attempt }) => digest.endsWith(':bad') && attempt < 2,
      onRun: (name, job) => runs.push({ host: name, key: keyOf(job), atMs: timeline.nowMs() }),
    }),
  );

  const published = { serial: 0, digest: `${JOB}-0:good`, before: `${JOB}-0:good`, attempt: 0 };
  const publish = (urgent: boolean): void => {
    published.serial += 1;
    const { serial, digest, attempt } = published;
    const image = { repository: 'registry.example.com/app', tag: digest, digest };
    store.publish({
      environment: ENVIRONMENT,
      serial,
      issuedAtMs: timeline.nowMs(),
      expiresAtMs: undefined,
      services: { [JOB]: { image, imageIds: {}, attempt } },
      rollout: undefined,
      freeze: undefined,
      publisher: undefined,
      pace: { ...DEFAULT_PACE, turnSeconds: TURN_SECONDS },
      urgent: urgent ? { reason: 'way back' } : undefined,
    } as unknown as Manifest);
  };
  const give = (digest: string): void => {
    if (digest === published.digest) return;
    Object.assign(published, { before: published.digest, digest, attempt: 0 });
  };
  const resume = (jobElsewhere: boolean): void => {
    if (jobElsewhere && store.isUp()) elsewhereMs.push(timeline.nowMs());
    store.command({ kind: 'resume', reason: 'because', by: 'ops', jobElsewhere });
  };

  const happen = (what: Event): void => {
    const found = 'host' in what ? hosts[what.host % hosts.length] : undefined;
    switch (what.kind) {
      case 'publish':
        give(`${JOB}-${String(published.serial + 1)}:${what.behaviour}`);
        publish(false);
        return;
      case 'retry':
        published.attempt += 1;
        publish(false);
        return;
      case 'rollback':
        give(published.before);
        publish(true);
        return;
      case 'elsewhere':
      case 'resume':
        resume(what.kind === 'elsewhere');
        return;
      case 'hub-copy':
        store.backUp();
        return;
      case 'hub-kill':
        store.kill(what.seconds * 1000);
        return;
      case 'hub-restore':
        store.restore(what.seconds * 1000);
        return;
      case 'die':
        if (found && hosts.filter(({ isAlive }) => isAlive).length > 1) found.isAlive = false;
        return;
      case 'remove-report':
        if (found && !found.isAlive) store.removeReport(found.name);
        return;
      case 'ledger-copy':
        if (found) copies.set(found.name, found.remember());
        return;
      case 'ledger-restore':
        if (!found?.isAlive) return;
        found.kill(5_000);
        copies.get(found.name)?.();
        return;
      case 'kill':
        found?.kill(what.seconds * 1000);
        return;
      case 'partition':
      case 'hold': {
        if (!found) return;
        const member = what.kind === 'hold' ? 'isHeld' : 'isCutOff';
        found[member] = true;
        timeline.after(what.seconds * 1000, () => {
          found[member] = false;
          found.step();
        });
      }
    }
  };

  publish(false);
  for (const each of hosts) each.start();
  for (const { atSeconds, what } of events) timeline.after(60_000 + atSeconds * 1000, () => happen(what));
  timeline.runUntil(START_MS + 3_060_000 + 700_000);
  isCalm = true;
  const alive = hosts.filter(({ isAlive }) => isAlive);
  for (const each of alive) [each.isHeld, each.isCutOff] = [false, false];
  // A failed job is tried again, and a lost one goes elsewhere, until nothing is left to say.
  for (let round = 0; round < 6; round += 1) {
    timeline.runUntil(timeline.nowMs() + 4 * TURN_SECONDS * 1000);
    if (alive.every((h) => h.state() === 'good')) break;
    if (
      store
        .read()
        .jobs.some(
          ({ digest, attempt, state }) =>
            state === 'failed' && digest === published.digest && attempt === published.attempt,
        )
    )
      happen({ kind: 'retry' });
    resume(true);
  }
  return { runs, elsewhereMs, alive };
};

type Played = ReturnType<typeof play>;

/** Both rules look at the same fleets. */
const SEED = Date.now();
const outcomes = new Map<string, Played>();
const played = (given: Scenario): Played => {
  const key = JSON.stringify(given);
  const found = outcomes.get(key) ?? play(given);
  outcomes.set(key, found);
  return found;
};

/** Runs of one key for which no person had said since the run before that it may run elsewhere. */
const repeated = ({ runs, elsewhereMs }: Played): readonly string[] =>
  runs.flatMap((run, at) => {
    const before = runs.slice(0, at).findLast(({ key }) => key === run.key);
    if (!before || elsewhereMs.some((ms) => ms >= before.atMs && ms <= run.atMs)) return [];
    return [`${run.key} ran on ${before.host}, and again on ${run.host}`];
  });

describe('a job of a simulated fleet, whatever happens to hosts, store and publisher', () => {
  const runsOf = RUNS === undefined ? { numRuns: 120, seed: 1 } : { numRuns: Number(RUNS), seed: SEED };

  it('a once-in-a-fleet job never runs twice for one key, except where a person said so', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        expect(repeated(played(given))).toEqual([]);
      }),
      runsOf,
    );
  });

  it('ends on every host, once faults are over and a person says what becomes of what failed or is lost', () => {
    fc.assert(
      fc.property(scenario, (given) => {
        const { alive } = played(given);
        expect(
          alive.filter((h) => h.state() !== 'good').map((h) => [h.name, h.state(), h.message()]),
        ).toEqual([]);
      }),
      runsOf,
    );
  });
});
