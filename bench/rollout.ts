/**
 * npm run bench:rollout              how long a fleet takes for a version, and what the rules of turns cost
 * npm run bench:rollout -- --json    the same as JSON
 * npm run bench:rollout -- --rounds 5
 * 1. publish to last host: 200 simulated hosts, maxParallel 10 %, one wave, in virtual time. The yardstick is
 *    the sum of its parts: ten rounds, each with the way of three messages, a second until the host begins, and
 *    ten until it is good.
 * 2. one review of a report and one request of a host that has to wait, by processor time; the yardstick is
 *    the same with 200 hosts, times the number of hosts
 */
import { parseArgs } from 'node:util';
import { parseImage } from '../src/core/image/reference.ts';
import { DEFAULT_PACE, type Pace } from '../src/core/manifest/pace.ts';
import type { HostWord } from '../src/core/turns/host-word.ts';
import {
  askTurn,
  followManifest,
  newTurnState,
  review,
  type FleetView,
  type TurnState,
} from '../src/core/turns/rules.ts';
import { stateOf } from '../test/support/simulated-fleet/host-service.ts';
import { createSimulatedFleet, START_MS } from '../test/support/simulated-fleet/simulated-fleet.ts';
import { relativeRow, spreadOf, tableOf, type Row } from './figures.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '5' } },
});
const rounds = Array.from({ length: Number(values.rounds) }, (_, index) => index);

const pace: Pace = { ...DEFAULT_PACE, maxParallel: { percent: 10 } };
/** So that the places are few enough to be taken quickly. */
const narrow: Pace = { ...DEFAULT_PACE, maxParallel: { hosts: 20 } };

const HOSTS = 200;
const SWITCH_MS = 10_000;
const BEGIN_MS = 1_000;
/** On average, of the simulated network. */
const MESSAGE_MS = 152;

/** The virtual time from a publish to the last good host. */
const rolloutMs = (seed: number): number => {
  const fleet = createSimulatedFleet({
    seed,
    hosts: HOSTS,
    fresh: 0,
    pace,
    network: { loss: 0, repeated: 0, slow: 0 },
    leadMs: 0,
    switchMs: [SWITCH_MS, SWITCH_MS],
    beginMs: [BEGIN_MS, BEGIN_MS],
    askAgainMs: [5_000, 5_000],
    isWatched: false,
  });
  const run = (ms: number): void => fleet.timeline.runUntil(fleet.timeline.nowMs() + ms);
  const isGood = (): boolean =>
    fleet.hosts.every((host) => {
      const [web] = host.services;
      const want = web && host.desired(web);
      return web && want?.release.digest === 'web-2:good' && stateOf(web, want) === 'good';
    });
  fleet.timeline.runUntil(START_MS + 120_000);
  fleet.happen({ kind: 'publish', entries: [0], behaviour: 'good', isUrgent: false });
  const startedMs = fleet.timeline.nowMs();
  while (!isGood()) run(100);
  return fleet.timeline.nowMs() - startedMs;
};

const digestOf = (version: number): string => `sha256:${String(version).padStart(64, '0')}`;

const manifestOf = (serial: number): Parameters<typeof followManifest>[1] => ({
  environment: 'bench',
  serial,
  issuedAtMs: START_MS,
  expiresAtMs: undefined,
  services: {
    web: {
      image: parseImage(`registry.example.com/web:${String(serial)}@${digestOf(serial)}`),
      imageIds: {},
      attempt: 1,
    },
  },
  rollout: undefined,
  freeze: undefined,
  publisher: undefined,
  pace: narrow,
});

/** Half of the hosts have the second version, the others wait for it. */
const wordOf = (index: number): HostWord => ({
  host: `host-${String(index)}`,
  labels: {},
  silentMs: 0,
  isSilent: false,
  isRunning: true,
  turns: { life: `life-${String(index)}`, seq: 10, asked: [], jobs: [], revision: null },
  serial: 2,
  refuses: false,
  isHeld: false,
  isDrained: false,
  services: [
    {
      service: 'web',
      entry: 'web',
      release: digestOf(2),
      digest: digestOf(2),
      attempt: 1,
      state: index % 2 === 0 ? 'good' : 'none',
      kind: index % 2 === 0 ? 'files' : 'version',
      isUnsettled: false,
      hasServed: true,
      serves: true,
      outcome: index % 2 === 0 ? 'converged' : 'waiting',
      reason: index % 2 === 0 ? null : 'turn',
      message: null,
      failure: null,
    },
  ],
});

const askingOf = (index: number): Parameters<typeof askTurn>[3] => {
  const { services } = wordOf(index);
  return {
    life: `life-${String(index)}`,
    seq: 11,
    serial: 2,
    engine: `engine-${String(index)}`,
    mostSeconds: 60,
    services: services.map(({ service, entry, release, digest, attempt, kind }) => ({
      service,
      entry,
      release,
      digest,
      attempt,
      kind,
      serves: true,
    })),
  };
};

interface Scene {
  readonly state: TurnState;
  readonly view: FleetView;
}

/** Every place is taken. */
const sceneOf = (hosts: number): Scene => {
  const view: FleetView = {
    nowMs: START_MS,
    words: Array.from({ length: hosts }, (_, index) => wordOf(index)),
    starting: null,
  };
  let state = newTurnState('bench');
  for (const serial of [1, 2]) state = followManifest(state, manifestOf(serial), START_MS);
  for (let index = 1; ; index += 2) {
    const asked = askTurn(state, view, `host-${String(index)}`, askingOf(index));
    if (asked.kind === 'refused') throw new Error(asked.refusal.message);
    ({ state } = asked);
    if (asked.answer.answer !== 'granted') return { state, view };
  }
};

/** The microseconds of one call; each gets a view of its own, as after a report. */
const costOf = ({ view }: Scene, call: (fresh: FleetView) => unknown): number => {
  const until = performance.now() + 200;
  const startedMs = performance.now();
  let calls = 0;
  for (; performance.now() < until; calls += 1) call({ ...view });
  return ((performance.now() - startedMs) * 1000) / calls;
};

const SIZES = [200, 2_000, 5_000] as const;
type Cost = { readonly review: number; readonly ask: number };

const costsOf = (): ReadonlyMap<number, Cost> =>
  new Map(
    SIZES.map((hosts) => {
      const scene = sceneOf(hosts);
      const last = hosts - 1;
      const review1 = costOf(scene, (view) => review(scene.state, view));
      const ask = costOf(scene, (view) => askTurn(scene.state, view, `host-${String(last)}`, askingOf(last)));
      return [hosts, { review: review1, ask }];
    }),
  );

const parts = Math.ceil(HOSTS / (HOSTS / 10)) * (3 * MESSAGE_MS + BEGIN_MS + SWITCH_MS);
const times = rounds.map((round) => rolloutMs(round + 1));
const costs = rounds.map(() => costsOf());

const costRow = (what: keyof Cost, hosts: number): Row => {
  const of = (size: number): readonly number[] => costs.map((cost) => cost.get(size)?.[what] ?? 0);
  return relativeRow(1.5, {
    name: `${what === 'ask' ? 'a request that waits' : 'a review'}, ${String(hosts)} hosts`,
    unit: 'µs',
    ours: spreadOf(of(hosts)),
    yardstick: {
      name: `200 hosts, × ${String(hosts / 200)}`,
      spread: spreadOf(of(200).map((cost) => (cost * hosts) / 200)),
    },
  });
};

const rows: readonly Row[] = [
  relativeRow(1.5, {
    name: 'publish to last of 200 hosts, 10 % at once (virtual time)',
    unit: 's',
    ours: spreadOf(times.map((ms) => ms / 1000)),
    yardstick: { name: 'sum of its parts', spread: spreadOf([parts / 1000]) },
  }),
  ...SIZES.flatMap((hosts) => [costRow('review', hosts), costRow('ask', hosts)]),
];
console.log(values.json ? JSON.stringify(rows) : tableOf(rows));
