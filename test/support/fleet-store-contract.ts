import { describe, expect, it } from 'vitest';
import { entityTagOf } from '../../src/core/hub/conditional-request.ts';
import { readReport } from '../../src/core/hub/read-report.ts';
import type {
  FleetChange,
  FleetChanges,
  FleetLimits,
  FleetStore,
  Hearing,
  NewReport,
} from '../../src/core/ports/fleet-store.ts';
import type { Status } from '../../src/core/status/status-document.ts';
import { hostStatus } from './status.ts';
import { contractSubjects } from './contract-subjects.ts';

export interface FleetStoreSubject {
  readonly store: FleetStore;
  /** Another hub on the same store at the same time; the same store again if it takes one hub only. */
  readonly second: () => Promise<FleetStore>;
  /** Begins another life of the store, with the same reports or without them. */
  readonly nextLife: () => Promise<FleetStore>;
  /** Lets time pass for the store, if `hasClock`. */
  readonly advance: (ms: number) => Promise<void>;
  readonly cleanup: () => Promise<void>;
}

export interface FleetStoreTraits {
  /** Whether a new run begins after no report for 180 s. */
  readonly hasRuns: boolean;
  /** Whether tests can let time pass. */
  readonly hasClock: boolean;
}

const LIMITS: FleetLimits = { hosts: 1000, environments: 1000 };
const ENV = 'staging';

const turnsOf = (life: string, seq: number): Partial<Status> => ({
  turns: { mode: 'manifest', life, seq, asked: [], store: 'answers', message: null, revision: null },
});

export const newReport = (host: string, change: Partial<Status> = {}, environment = ENV): NewReport => {
  const bytes = Buffer.from(JSON.stringify(hostStatus({ host, environment, ...change })));
  const read = readReport(bytes, environment, host);
  if (read.kind === 'refused') throw new Error(read.refusal.message);
  return { host, bytes, tag: entityTagOf(bytes), summary: read.summary };
};

const named = (count: number): readonly string[] =>
  Array.from({ length: count }, (_, at) => `web-${String(at + 1)}`);

const take = (store: FleetStore, report: NewReport, environment = ENV) =>
  store.take(environment, report, LIMITS);

const hostsOf = ({ changes }: FleetChanges): readonly string[] =>
  changes.map(({ kind, host }) => `${kind} ${host}`);

const only = ({ changes }: FleetChanges, host: string): FleetChange => {
  const [change, ...more] = changes.filter((each) => each.host === host);
  if (change === undefined || more.length > 0)
    throw new Error(`${host} is there ${String(more.length)} times more`);
  return change;
};

/** What a reader knows that follows the changes. */
const follow = (store: FleetStore, environment = ENV) => {
  const known = new Map<string, FleetChange>();
  const state: { since: Hearing | undefined } = { since: undefined };
  return {
    read: async (): Promise<FleetChanges> => {
      const read = await store.changes(environment, state.since);
      if (read.isWhole) known.clear();
      for (const change of read.changes) known.set(change.host, change);
      state.since = read.hearing;
      return read;
    },
    revisions: (): Readonly<Record<string, number>> =>
      Object.fromEntries([...known].map(([host, { revision }]) => [host, revision])),
  };
};

/** What every store of reports has in common, seen through the port. */
export const fleetStoreContract = (
  title: string,
  createSubject: () => Promise<FleetStoreSubject>,
  { hasRuns, hasClock }: FleetStoreTraits,
): void => {
  describe(`the port of reports: ${title}`, () => {
    const open = contractSubjects(createSubject);

    it('has nothing at first', async () => {
      const { store } = await open();
      expect(await store.environments()).toEqual([]);
      const { hearing, isWhole, changes } = await store.changes(ENV, undefined);
      expect([isWhole, changes]).toEqual([true, []]);
      expect(hearing).toMatchObject({ revision: 0, heardMs: 0, hasLostReports: false });
      expect(await store.reports(ENV, ['web-1'])).toEqual(new Map());
      expect(await store.remove(ENV, 'web-1')).toBe(false);
      expect(await store.beat(ENV, { host: 'web-1', tag: '"x"', seq: 1 })).toBe('unknown');
    });

    it('gives reports back byte for byte, to every hub, and leaves out hosts without one', async () => {
      const { store, second } = await open();
      const other = await second();
      const strange = newReport('web-2', {
        added: { 'é ": more': ['\u{1F600}', 1e21, -0] },
      } as Partial<Status>);
      expect(await take(store, newReport('web-1'))).toEqual({ kind: 'taken', isNew: true });
      expect(await take(store, strange)).toEqual({ kind: 'taken', isNew: true });
      for (const each of [store, other]) {
        const found = await each.reports(ENV, ['web-2', 'web-3']);
        expect([...found.keys()]).toEqual(['web-2']);
        expect(Buffer.from(found.get('web-2') ?? []).equals(strange.bytes)).toBe(true);
      }
      expect(await take(other, newReport('web-2'))).toEqual({ kind: 'taken', isNew: false });
      const [bytes] = (await store.reports(ENV, ['web-2'])).values();
      expect(Buffer.from(bytes ?? []).equals(newReport('web-2').bytes)).toBe(true);
    });

    it('keeps environments apart, and lists those with a report by name', async () => {
      const { store } = await open();
      await take(store, newReport('web-1'));
      await take(store, newReport('web-1', {}, 'production'), 'production');
      expect(await store.environments()).toEqual(['production', 'staging']);
      expect(await store.remove('production', 'web-1')).toBe(true);
      expect(await store.environments()).toEqual(['staging']);
      expect(hostsOf(await store.changes(ENV, undefined))).toEqual(['report web-1']);
    });

    it('tells each change once, the last one of each host, in the order of revisions', async () => {
      const { store, second } = await open();
      const [first, next] = [newReport('web-1'), newReport('web-2')];
      await take(store, first);
      await take(store, next);
      const whole = await store.changes(ENV, undefined);
      expect(hostsOf(whole)).toEqual(['report web-1', 'report web-2']);
      expect(only(whole, 'web-1')).toMatchObject({ tag: first.tag, summary: first.summary });
      expect(only(whole, 'web-2').revision).toBe(whole.hearing.revision);
      const none = await store.changes(ENV, whole.hearing);
      expect(none).toMatchObject({
        isWhole: false,
        changes: [],
        hearing: { revision: whole.hearing.revision },
      });
      await take(store, newReport('web-1', { outcome: 'blocked' }));
      await take(await second(), newReport('web-3'));
      await take(store, newReport('web-1', { outcome: 'waiting' }));
      const later = await store.changes(ENV, whole.hearing);
      expect(later.isWhole).toBe(false);
      expect(hostsOf(later)).toEqual(['report web-3', 'report web-1']);
      expect(only(later, 'web-1')).toMatchObject({ summary: { outcome: 'waiting' } });
      expect(hostsOf(await store.changes(ENV, undefined))).toEqual([
        'report web-2',
        'report web-3',
        'report web-1',
      ]);
    });

    it('misses no change while many hubs take many reports', async () => {
      const { store, second } = await open();
      const hubs = [store, await second(), await second()];
      const hosts = named(60);
      const reader = follow(hubs[1] ?? store);
      const isOver = { value: false };
      const reading = (async () => {
        while (!isOver.value) {
          await reader.read();
          await new Promise((resolve) => void setImmediate(resolve));
        }
      })();
      await Promise.all(
        hosts.flatMap((host, at) =>
          [1, 2, 3].map(async (seq) =>
            take(hubs[(at + seq) % 3] ?? store, newReport(host, turnsOf('a', seq))),
          ),
        ),
      );
      isOver.value = true;
      await reading;
      await reader.read();
      const whole = await store.changes(ENV, undefined);
      expect(whole.changes.map(({ host }) => host).toSorted()).toEqual(hosts.toSorted());
      const revisions = whole.changes.map(({ revision }) => revision);
      expect(revisions).toEqual([...new Set(revisions)].toSorted((a, b) => a - b));
      expect(reader.revisions()).toEqual(
        Object.fromEntries(whole.changes.map(({ host, revision }) => [host, revision])),
      );
      expect(whole.changes.map((change) => change.kind === 'report' && change.seq)).toEqual(
        hosts.map(() => 3),
      );
    });

    describe('reports of one agent that overtake each other', () => {
      it.each([
        ['an older one of the same life', 'b', 4],
        ['one of a life that another has replaced', 'a', 99],
      ])('%s is dropped', async (_what, life, seq) => {
        const { store, second } = await open();
        await take(store, newReport('web-1', turnsOf('a', 9)));
        const last = newReport('web-1', turnsOf('b', 5));
        await take(await second(), last);
        const { hearing } = await store.changes(ENV, undefined);
        expect(await take(store, newReport('web-1', turnsOf(life, seq)))).toEqual({ kind: 'outdated' });
        expect((await store.changes(ENV, hearing)).changes).toEqual([]);
        expect(only(await store.changes(ENV, undefined), 'web-1')).toMatchObject({ tag: last.tag, seq: 5 });
      });

      it('one that repeats or goes on is taken, and so is one of a new life or of none', async () => {
        const { store } = await open();
        for (const change of [turnsOf('a', 9), turnsOf('a', 9), turnsOf('a', 10), turnsOf('b', 1), {}]) {
          const report = newReport('web-1', change);
          expect(await take(store, report)).toMatchObject({ kind: 'taken' });
          expect(only(await store.changes(ENV, undefined), 'web-1')).toMatchObject({
            tag: report.tag,
            seq: report.summary.word.turns?.seq ?? null,
          });
        }
      });

      it('a heartbeat counts like a report', async () => {
        const { store } = await open();
        const { tag } = newReport('web-1', turnsOf('a', 5));
        await take(store, newReport('web-1', turnsOf('a', 5)));
        expect(await store.beat(ENV, { host: 'web-1', tag, seq: 8 })).toBe('taken');
        expect(await take(store, newReport('web-1', turnsOf('a', 7)))).toEqual({ kind: 'outdated' });
        const { hearing } = await store.changes(ENV, undefined);
        expect(await store.beat(ENV, { host: 'web-1', tag, seq: 7 })).toBe('taken');
        expect((await store.changes(ENV, hearing)).changes).toEqual([]);
        expect(await take(store, newReport('web-1', turnsOf('a', 9)))).toEqual({
          kind: 'taken',
          isNew: false,
        });
      });
    });

    describe('a heartbeat', () => {
      it('says that the report is still true, with its number', async () => {
        const { store, second } = await open();
        const report = newReport('web-1', turnsOf('a', 5));
        await take(store, report);
        const before = await store.changes(ENV, undefined);
        const other = await second();
        expect(await other.beat(ENV, { host: 'web-1', tag: report.tag, seq: 6 })).toBe('taken');
        const after = await store.changes(ENV, before.hearing);
        expect(hostsOf(after)).toEqual(['heartbeat web-1']);
        expect(only(after, 'web-1')).toMatchObject({ seq: 6, revision: after.hearing.revision });
        expect(after.hearing.revision).toBeGreaterThan(before.hearing.revision);
        // A reader that knows nothing needs the report, with what the heartbeat said.
        const whole = await store.changes(ENV, undefined);
        expect(hostsOf(whole)).toEqual(['report web-1']);
        expect(only(whole, 'web-1')).toMatchObject({ seq: 6, tag: report.tag, summary: report.summary });
      });

      it('after a report that a reader has not seen comes to it with the report', async () => {
        const { store } = await open();
        await take(store, newReport('web-1'));
        const { hearing } = await store.changes(ENV, undefined);
        const news = newReport('web-1', { outcome: 'blocked' });
        await take(store, news);
        await store.beat(ENV, { host: 'web-1', tag: news.tag, seq: null });
        const later = await store.changes(ENV, hearing);
        expect(only(later, 'web-1')).toMatchObject({ kind: 'report', tag: news.tag, seq: null });
      });

      it('is unknown for another report, another host, and after a removal', async () => {
        const { store } = await open();
        const report = newReport('web-1');
        await take(store, report);
        const { hearing } = await store.changes(ENV, undefined);
        const { tag } = newReport('web-1', { outcome: 'blocked' });
        expect(await store.beat(ENV, { host: 'web-1', tag, seq: null })).toBe('unknown');
        expect(await store.beat(ENV, { host: 'web-2', tag: report.tag, seq: null })).toBe('unknown');
        expect(await store.beat('production', { host: 'web-1', tag: report.tag, seq: null })).toBe('unknown');
        expect((await store.changes(ENV, hearing)).changes).toEqual([]);
        await store.remove(ENV, 'web-1');
        expect(await store.beat(ENV, { host: 'web-1', tag: report.tag, seq: null })).toBe('unknown');
      });
    });

    it('remembers a removal until the host reports again', async () => {
      const { store, second } = await open();
      await take(store, newReport('web-1'));
      await take(store, newReport('web-2'));
      const { hearing } = await store.changes(ENV, undefined);
      const other = await second();
      expect(await other.remove(ENV, 'web-1')).toBe(true);
      expect(await store.remove(ENV, 'web-1')).toBe(false);
      expect(await store.reports(ENV, ['web-1'])).toEqual(new Map());
      const later = await store.changes(ENV, hearing);
      expect(hostsOf(later)).toEqual(['removed web-1']);
      expect(only(later, 'web-1')).toMatchObject({ run: later.hearing.run });
      expect(hostsOf(await store.changes(ENV, undefined))).toEqual(['report web-2', 'removed web-1']);
      expect(await take(store, newReport('web-1'))).toEqual({ kind: 'taken', isNew: true });
      expect(hostsOf(await store.changes(ENV, later.hearing))).toEqual(['report web-1']);
      expect(hostsOf(await store.changes(ENV, undefined))).toEqual(['report web-2', 'report web-1']);
    });

    it('has no place for more hosts or environments than it may take', async () => {
      const { store, second } = await open();
      const limits: FleetLimits = { hosts: 2, environments: 2 };
      const send = async (to: FleetStore, host: string, environment = ENV) =>
        to.take(environment, newReport(host, {}, environment), limits);
      expect(await send(store, 'web-1')).toMatchObject({ kind: 'taken' });
      expect(await send(await second(), 'web-2')).toMatchObject({ kind: 'taken' });
      expect(await send(store, 'web-3')).toEqual({ kind: 'too-many', what: 'hosts' });
      expect(await send(store, 'web-2')).toEqual({ kind: 'taken', isNew: false });
      expect(await send(store, 'web-1', 'production')).toMatchObject({ kind: 'taken' });
      expect(await send(store, 'web-1', 'test')).toEqual({ kind: 'too-many', what: 'environments' });
      expect(await store.environments()).toEqual(['production', 'staging']);
      await store.remove(ENV, 'web-1');
      expect(await send(store, 'web-3')).toEqual({ kind: 'taken', isNew: true });
    });

    describe('a life of the store', () => {
      it('cannot be compared with the one before', async () => {
        const { store, nextLife } = await open();
        await take(store, newReport('web-1'));
        const before = await store.changes(ENV, undefined);
        const reopened = await nextLife();
        const after = await reopened.changes(ENV, before.hearing);
        expect(after.isWhole).toBe(true);
        expect(after.hearing.life).not.toBe(before.hearing.life);
        await take(reopened, newReport('web-2'));
        expect(hostsOf(await reopened.changes(ENV, after.hearing))).toEqual(['report web-2']);
      });

      it('has hosts of the run before, or none, until they report', async () => {
        const { store, nextLife } = await open();
        await take(store, newReport('web-1'));
        await take(store, newReport('web-2'));
        const reopened = await nextLife();
        await take(reopened, newReport('web-2'));
        const { hearing, changes } = await reopened.changes(ENV, undefined);
        const runs = Object.fromEntries(changes.map(({ host, run }) => [host, run]));
        expect(runs['web-2']).toBe(hearing.run);
        expect(runs['web-1']).not.toBe(hearing.run);
      });
    });

    describe.runIf(hasClock)('the time in which hosts are heard', () => {
      it('grows with each report, and by 90 s at most', async () => {
        const { store, advance } = await open();
        const report = newReport('web-1');
        await take(store, report);
        const first = await store.changes(ENV, undefined);
        await advance(60_000);
        expect((await store.changes(ENV, first.hearing)).hearing.heardMs).toBe(first.hearing.heardMs);
        await take(store, newReport('web-2'));
        const second = await store.changes(ENV, first.hearing);
        const grown = second.hearing.heardMs - first.hearing.heardMs;
        expect(grown).toBeGreaterThanOrEqual(60_000);
        expect(grown).toBeLessThanOrEqual(90_000);
        expect(only(second, 'web-2')).toMatchObject({ heardMs: second.hearing.heardMs });
        await advance(170_000);
        await store.beat(ENV, { host: 'web-1', tag: report.tag, seq: null });
        const third = await store.changes(ENV, second.hearing);
        expect(third.hearing.heardMs - second.hearing.heardMs).toBe(90_000);
        expect(third.hearing.run).toBe(first.hearing.run);
        expect(only(third, 'web-1')).toMatchObject({ heardMs: third.hearing.heardMs });
        // web-2 keeps the moment of its own report.
        expect(only(await store.changes(ENV, undefined), 'web-2')).toMatchObject({
          heardMs: second.hearing.heardMs,
        });
      });

      it('goes on in the next run, which begins after 180 s without a report if the store has runs', async () => {
        const { store, advance } = await open();
        await take(store, newReport('web-1'));
        const { hearing: before } = await store.changes(ENV, undefined);
        await advance(181_000);
        await take(store, newReport('web-2'));
        const { hearing: after, changes } = await store.changes(ENV, undefined);
        expect(after.run - before.run).toBe(hasRuns ? 1 : 0);
        expect(after.runBeganMs > before.runBeganMs).toBe(hasRuns);
        expect(after.beforeRunMs).toBe(hasRuns ? before.atMs : before.beforeRunMs);
        expect(after.heardMs - before.heardMs).toBe(90_000);
        expect(changes.map(({ run }) => run)).toEqual([before.run, after.run]);
        expect(after.hasLostReports).toBe(false);
      });
    });
  });
};
