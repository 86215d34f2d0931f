import * as fc from 'fast-check';
import type { Amount, Pace, Wave } from '../../../src/core/manifest/pace.ts';
import { BEHAVIOURS, type Behaviour } from './versions.ts';

/** What happens to a fleet. Hosts are numbers, taken modulo the hosts that there are. */
export type Happening =
  | {
      readonly kind: 'publish';
      readonly entries: readonly number[];
      readonly behaviour: Behaviour;
      readonly isUrgent: boolean;
    }
  | { readonly kind: 'retry'; readonly entry: number }
  | { readonly kind: 'rollback'; readonly entry: number }
  | { readonly kind: 'pace'; readonly maxParallel: Amount; readonly soakSeconds?: number }
  | {
      readonly kind: 'files';
      readonly service: number;
      readonly share: number;
      readonly behaviour: Behaviour;
    }
  | {
      readonly kind: 'kill' | 'stop' | 'reboot' | 'partition';
      readonly host: number;
      readonly seconds: number;
    }
  | {
      readonly kind: 'die' | 'rename' | 'reinstall' | 'ledger-copy' | 'ledger-restore';
      readonly host: number;
    }
  | { readonly kind: 'join' }
  | { readonly kind: 'remove-report'; readonly host: number }
  | {
      readonly kind: 'hold' | 'drain' | 'window' | 'obstacle' | 'no-image';
      readonly host: number;
      readonly seconds: number;
    }
  | { readonly kind: 'broken'; readonly host: number; readonly service: number; readonly seconds: number }
  | { readonly kind: 'hang'; readonly host: number; readonly seconds: number }
  | { readonly kind: 'wall-clock'; readonly host: number; readonly seconds: number }
  | { readonly kind: 'hub-kill' | 'hub-restore'; readonly seconds: number }
  | { readonly kind: 'hub-copy' }
  | { readonly kind: 'hub-clock'; readonly seconds: number }
  | { readonly kind: 'halt'; readonly seconds: number | null }
  | { readonly kind: 'resume' }
  | { readonly kind: 'free' | 'leave-out' | 'undo'; readonly host: number };

export type HappeningKind = Happening['kind'];

export interface Scenario {
  readonly seed: number;
  readonly hosts: number;
  /** Hosts on which nothing runs yet. */
  readonly fresh: number;
  readonly pace: Pace;
  /** Of a message. */
  readonly network: { readonly loss: number; readonly repeated: number; readonly slow: number };
  readonly leadMs: number;
  readonly happenings: readonly { readonly atSeconds: number; readonly what: Happening }[];
}

const host = fc.nat(999);
const seconds = fc.integer({ min: 1, max: 900 });
const amount = (least: number): fc.Arbitrary<Amount> =>
  fc.oneof(
    fc.record({ hosts: fc.integer({ min: least, max: 3 }) }),
    fc.record({ percent: fc.constantFrom(5, 10, 25, 50) }),
  );

const wave: fc.Arbitrary<Wave> = fc.oneof(
  fc.constant({ labels: { canary: 'true' } }),
  fc.record({ percent: fc.constantFrom(5, 10, 30, 50) }),
);

export const paces: fc.Arbitrary<Pace> = fc.record({
  maxParallel: amount(1),
  waves: fc.array(wave, { maxLength: 2 }).map((waves) => [...waves, { percent: 100 }]),
  soakSeconds: fc.constantFrom(0, 0, 60, 300),
  haltAfter: fc.oneof(
    { arbitrary: fc.constant({ hosts: 0 }), weight: 2 },
    { arbitrary: amount(0), weight: 1 },
  ),
  turnSeconds: fc.constantFrom(120, 300),
});

const kinds = <K extends HappeningKind>(...names: K[]): fc.Arbitrary<K> => fc.constantFrom(...names);

/** By what they have in common. */
export const happenings = {
  publish: fc.record({
    kind: kinds('publish'),
    entries: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 }),
    behaviour: fc.constantFrom(...BEHAVIOURS, 'good' as const, 'bad' as const),
    isUrgent: fc.boolean().chain((is) => (is ? fc.boolean() : fc.constant(false))),
  }),
  retry: fc.record({ kind: kinds('retry'), entry: fc.nat(2) }),
  rollback: fc.record({ kind: kinds('rollback'), entry: fc.nat(2) }),
  pace: fc.record({ kind: kinds('pace'), maxParallel: amount(1) }),
  files: fc.record({
    kind: kinds('files'),
    service: fc.nat(4),
    share: fc.constantFrom(0.2, 1),
    behaviour: fc.constantFrom(...BEHAVIOURS),
  }),
  agent: fc.record({ kind: kinds('kill', 'kill', 'stop', 'reboot', 'partition'), host, seconds }),
  loss: fc.record({ kind: kinds('die', 'rename', 'reinstall', 'ledger-copy', 'ledger-restore'), host }),
  fleet: fc.oneof(fc.record({ kind: kinds('join') }), fc.record({ kind: kinds('remove-report'), host })),
  gate: fc.record({ kind: kinds('hold', 'drain', 'window', 'obstacle', 'no-image'), host, seconds }),
  broken: fc.record({ kind: kinds('broken'), host, service: fc.nat(4), seconds }),
  hang: fc.record({ kind: kinds('hang'), host, seconds: fc.integer({ min: 60, max: 5_000 }) }),
  clock: fc.oneof(
    fc.record({ kind: kinds('wall-clock'), host, seconds: fc.integer({ min: -3_600, max: 3_600 }) }),
    fc.record({ kind: kinds('hub-clock'), seconds: fc.integer({ min: -600, max: 600 }) }),
  ),
  hub: fc.oneof(
    fc.record({ kind: kinds('hub-kill'), seconds: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: kinds('hub-restore'), seconds: fc.integer({ min: 1, max: 400 }) }),
    fc.record({ kind: kinds('hub-copy') }),
  ),
  /** Shorter than a turn may be silent, and such as a host finds before it begins. */
  harmless: fc.oneof(
    fc.record({
      kind: kinds('obstacle', 'no-image', 'hold', 'window'),
      host,
      seconds: fc.integer({ min: 1, max: 400 }),
    }),
    fc.record({ kind: kinds('kill', 'partition'), host, seconds: fc.integer({ min: 1, max: 50 }) }),
    fc.record({ kind: kinds('hub-kill'), seconds: fc.integer({ min: 1, max: 100 }) }),
    fc.record({ kind: kinds('wall-clock'), host, seconds: fc.integer({ min: -3_600, max: 3_600 }) }),
    fc.record({
      kind: kinds('publish'),
      entries: fc.uniqueArray(fc.nat(2), { minLength: 1, maxLength: 2 }),
      behaviour: fc.constant('good' as const),
      isUrgent: fc.boolean(),
    }),
  ),
  person: fc.oneof(
    fc.record({ kind: kinds('halt'), seconds: fc.option(seconds) }),
    fc.record({ kind: kinds('resume') }),
    fc.record({ kind: kinds('free', 'leave-out', 'undo'), host }),
  ),
} satisfies Readonly<Record<string, fc.Arbitrary<Happening>>>;

export type Weights = Readonly<Partial<Record<keyof typeof happenings, number>>>;

export interface Bounds {
  readonly weights: Weights;
  readonly hosts: fc.Arbitrary<number>;
}

/** An hour of happenings of these kinds. */
export const scenarios = ({ weights, hosts }: Bounds): fc.Arbitrary<Scenario> => {
  const chosen = Object.entries(weights).map(([name, weight]) => ({
    arbitrary: happenings[name as keyof typeof happenings] as fc.Arbitrary<Happening>,
    weight,
  }));
  const atSeconds = fc.integer({ min: 0, max: 3_600 });
  return fc.record({
    seed: fc.integer(),
    hosts,
    fresh: fc.constantFrom(0, 0, 0, 1, 3),
    pace: paces,
    network: fc.record({
      loss: fc.constantFrom(0, 0.02, 0.2),
      repeated: fc.constantFrom(0, 0.1),
      slow: fc.constantFrom(0, 0.1),
    }),
    leadMs: fc.constantFrom(0, 0, 8_000),
    happenings: fc.array(fc.record({ atSeconds, what: fc.oneof(...chosen) }), {
      minLength: 1,
      maxLength: 24,
    }),
  });
};
