import { afterAll, beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import type { StoreNews } from '../../../../src/core/ports/hub-store.ts';
import { newReport } from '../../../support/fleet-store-contract.ts';
import { eventually } from '../../../support/poll.ts';
import { databaseWithTables, emptyTables, postgresStores } from '../../../support/postgres-store.ts';
import { fullTurnState } from '../../../support/turn-state.ts';

const limits = { hosts: 100_000, environments: 10 };
const database = await databaseWithTables();
const { open, close } = postgresStores(database.url);
const [one, other] = [open(), open()];

beforeEach(async () => emptyTables(database));
afterAll(close);

const take = (host: string, store = one) => store.fleets.take('staging', newReport(host), limits);

describe('several hubs on one database', () => {
  it('publish each serial once, and lose none', async () => {
    const won: number[] = [];
    for (let round = 1; round <= 10; round += 1) {
      const answers = await Promise.all(
        [one, other].map(async ({ manifests }, at) => {
          const serial = 2 * round + at;
          const document = Buffer.from(String(serial));
          return manifests.publish('staging', { serial, document, epoch: 0 }, round - 1);
        }),
      );
      const serials = answers.flatMap((answer) => (answer === 'changed' ? [] : [answer.highest]));
      won.push(...serials);
      expect(await other.manifests.read('staging')).toMatchObject({ revision: round, highest: serials[0] });
    }
    expect(won).toHaveLength(10);
    expect(await one.manifests.serials('staging')).toEqual(won);
  });

  it('decide about turns one after the other', async () => {
    const write = async ({ turns }: typeof one, wins: number): Promise<void> => {
      for (let left = wins; left > 0;) {
        const state = await turns.read('staging');
        const next = fullTurnState('staging', { serial: (state?.serial ?? 0) + 1 });
        if ((await turns.write('staging', next, state?.revision ?? 0)) === 'written') left -= 1;
      }
    };
    await one.turns.write('staging', fullTurnState('staging', { serial: 0 }), 0);
    await Promise.all([write(one, 10), write(other, 10), write(one, 10)]);
    expect(await other.turns.read('staging')).toMatchObject({ serial: 30, revision: 31 });
  });

  it('take reports of agents that count nothing in one batch, and texts of any kind', async () => {
    const names = ['web-1', 'web-2', 'web-3', 'web-4'];
    const strange: object = { outcome: '"\\{},null' };
    const sent = names.map((host) => newReport(host, strange));
    await Promise.all(sent.map((report) => one.fleets.take('staging', report, limits)));
    const beats = sent.map(({ host, tag }) => one.fleets.beat('staging', { host, tag, seq: null }));
    expect(await Promise.all(beats)).toEqual(names.map(() => 'taken'));
    const { changes } = await other.fleets.changes('staging', undefined);
    expect(changes).toMatchObject(sent.map(({ host, summary }) => ({ host, summary, seq: null })));
  });

  it('hear of what the others have changed', async () => {
    const heard = new Set<string>();
    const onNews: StoreNews = (environment, what) => void heard.add(`${what} ${environment}`);
    onTestFinished(other.follow(onNews));
    await one.manifests.publish('staging', { serial: 1, document: Buffer.from('1'), epoch: 0 }, 0);
    await one.turns.write('production', fullTurnState('production'), 0);
    await take('web-1');
    await eventually(() => heard.size === 3, { describe: () => [...heard].join(', ') });
    expect([...heard].toSorted()).toEqual(['manifests staging', 'reports staging', 'turns production']);
  });

  it('give times of their own clocks', async () => {
    const hour = 3_600_000;
    const ahead = open({ now: () => Date.now() + hour });
    await take('web-1');
    const [mine, its] = [
      await one.fleets.changes('staging', undefined),
      await ahead.fleets.changes('staging', undefined),
    ];
    const difference = its.hearing.atMs - mine.hearing.atMs;
    expect(Math.round(difference / 1000)).toBe(3600);
    expect(its.changes).toMatchObject([{ receivedAtMs: its.hearing.atMs }]);
    // Never stays never.
    expect(its.hearing.beforeRunMs).toBe(0);
  });

  it('make a summary of another version again', async () => {
    await take('web-1');
    await database.query(`update supercargo.reports set summary_version = 0, summary = '{}'`);
    const { changes } = await other.fleets.changes('staging', undefined);
    expect(changes).toMatchObject([{ kind: 'report', summary: newReport('web-1').summary }]);
  });

  it('read a large fleet in pages, each host once', async () => {
    await take('web-0');
    await database.query(`
      insert into supercargo.reports select environment, 'web-' || n, revision + n, report_revision + n, received_ms,
        heard_ms, run, seq, life, replaced_lives, tag, summary, summary_version, document, is_removed
      from supercargo.reports, generate_series(1, 4500) as n`);
    await database.query('update supercargo.fleets set revision = 4501, hosts = 4501');
    const { changes, hearing } = await other.fleets.changes('staging', undefined);
    expect(new Set(changes.map(({ host }) => host)).size).toBe(4501);
    expect(changes.map(({ revision }) => revision)).toEqual(Array.from({ length: 4501 }, (_, at) => at + 1));
    expect(hearing.revision).toBe(4501);
  });

  it('forget removed hosts after a day, and tell a reader from before everything', async () => {
    await take('web-1');
    await take('web-2');
    await take('web-3');
    const { hearing } = await other.fleets.changes('staging', undefined);
    await one.fleets.remove('staging', 'web-1');
    await database.query(
      `update supercargo.reports set received_ms = received_ms - 90000000 where host = 'web-1'`,
    );
    const removed = await other.fleets.changes('staging', hearing);
    await one.fleets.remove('staging', 'web-2');
    const whole = await other.fleets.changes('staging', hearing);
    expect([whole.isWhole, whole.changes.map(({ kind, host }) => `${kind} ${host}`)]).toEqual([
      true,
      ['report web-3', 'removed web-2'],
    ]);
    expect((await other.fleets.changes('staging', removed.hearing)).isWhole).toBe(false);
  });
});
