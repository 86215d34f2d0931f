import { describe, expect, it } from 'vitest';
import {
  applyBatch,
  type Change,
  type StoredFleet,
} from '../../../../src/adapters/hub-postgres/report-batch.ts';
import { newReport } from '../../../support/fleet-store-contract.ts';

const START = 1_000_000;
const NEW_FLEET: StoredFleet = {
  revision: 0,
  hosts: 0,
  heardMs: 0,
  atMs: 0,
  reportedMs: 0,
  run: 0,
  runBeganMs: 0,
  beforeRunMs: 0,
  hasLostReports: false,
};
const limits = { hosts: 10, environments: 10 };

const turnsOf = (life: string, seq: number) => ({
  turns: { mode: 'manifest', life, seq, asked: [], store: 'answers', message: null, revision: null } as const,
});
const take = (host: string, life = 'a', seq = 1): Change => ({
  kind: 'take',
  report: newReport(host, turnsOf(life, seq)),
  limits,
});

const apply = (
  fleet: StoredFleet,
  atMs: number,
  changes: readonly Change[],
  { hadReports = false, hosts = new Map() }: Partial<Parameters<typeof applyBatch>[0]> = {},
) => applyBatch({ fleet, hosts, otherEnvironments: 0, hadReports, atMs, changes });

const heardAt = (atMs: number): StoredFleet => apply(NEW_FLEET, atMs, [take('web-1')]).fleet;

describe('the time in which hosts are heard', () => {
  it('begins with the first report', () => {
    expect(heardAt(START)).toEqual({
      revision: 1,
      hosts: 1,
      heardMs: 0,
      atMs: START,
      reportedMs: START,
      run: 1,
      runBeganMs: START,
      beforeRunMs: 0,
      hasLostReports: false,
    });
  });

  it('is of a fleet that was lost if there were reports before', () => {
    const lost = apply(NEW_FLEET, START, [take('web-1')], { hadReports: true }).fleet;
    expect(lost.hasLostReports).toBe(true);
    const later = apply(lost, START + 60_000, [take('web-2')], { hadReports: true }).fleet;
    expect(later.hasLostReports).toBe(true);
    const anew = apply(later, START + 600_000, [take('web-2')], { hadReports: true }).fleet;
    expect(anew.hasLostReports).toBe(false);
  });

  it('grows once for all reports of one moment, and by 90 s at most', () => {
    const second = apply(heardAt(START), START + 60_000, [take('web-2'), take('web-3')]);
    expect(second.writes.map(({ heardMs }) => heardMs)).toEqual([60_000, 60_000]);
    const third = apply(second.fleet, START + 230_000, [take('web-4')]).fleet;
    expect(third).toMatchObject({ heardMs: 150_000, run: 1 });
  });

  it('begins a run after 180 s without a report, whatever was removed meanwhile', () => {
    const first = apply(NEW_FLEET, START, [take('web-1'), take('web-2')]).fleet;
    const hosts = new Map([['web-2', { tag: '"x"', seq: 1, life: 'a', replacedLives: [] }]]);
    const removed = apply(first, START + 100_000, [{ kind: 'remove', host: 'web-2' }], { hosts }).fleet;
    expect(removed).toMatchObject({ atMs: START + 100_000, run: 1, hosts: 1 });
    const { fleet, writes } = apply(removed, START + 181_000, [take('web-3')]);
    expect(fleet).toMatchObject({
      run: 2,
      runBeganMs: START + 181_000,
      beforeRunMs: START,
      heardMs: 90_000,
    });
    expect(writes[0]).toMatchObject({ run: 2 });
  });

  it('stands while the clock of the database goes back', () => {
    expect(apply(heardAt(START), START - 5000, [take('web-2')]).fleet).toMatchObject({ heardMs: 0, run: 1 });
  });
});

describe('changes of one host in a batch', () => {
  it('end in one write, in the order in which they came', () => {
    const [first, late, last] = [take('web-1', 'a', 5), take('web-1', 'a', 4), take('web-1', 'b', 1)];
    const { writes, outcomes, fleet } = apply(NEW_FLEET, START, [first, late, last, take('web-1', 'a', 9)]);
    expect(outcomes).toEqual([
      { kind: 'taken', isNew: true },
      { kind: 'outdated' },
      { kind: 'taken', isNew: false },
      { kind: 'outdated' },
    ]);
    expect(writes).toHaveLength(1);
    expect(writes[0]).toMatchObject({ life: 'b', seq: 1, replacedLives: ['a'], revision: 2 });
    expect(fleet).toMatchObject({ hosts: 1, revision: 2 });
  });

  it('keep the report before a heartbeat, with the number of the heartbeat', () => {
    const change = take('web-1', 'a', 5);
    const { tag } = newReport('web-1', turnsOf('a', 5));
    const beat: Change = { kind: 'beat', beat: { host: 'web-1', tag, seq: 7 } };
    const { writes, outcomes } = apply(NEW_FLEET, START, [change, beat, take('web-1', 'a', 6)]);
    expect(outcomes).toEqual([{ kind: 'taken', isNew: true }, 'taken', { kind: 'outdated' }]);
    expect(writes[0]).toMatchObject({ seq: 7, revision: 2, report: { host: 'web-1' } });
  });

  it('end in a removal, or in a new host after it', () => {
    const remove: Change = { kind: 'remove', host: 'web-1' };
    const removed = apply(NEW_FLEET, START, [take('web-1'), remove, remove]);
    expect(removed.outcomes).toEqual([{ kind: 'taken', isNew: true }, true, false]);
    expect(removed.writes).toMatchObject([{ host: 'web-1', report: null }]);
    expect(removed.fleet.hosts).toBe(0);
    const again = apply(NEW_FLEET, START, [take('web-1', 'a', 9), remove, take('web-1', 'a', 1)]);
    expect(again.outcomes).toEqual([{ kind: 'taken', isNew: true }, true, { kind: 'taken', isNew: true }]);
    expect(again.fleet.hosts).toBe(1);
  });
});
