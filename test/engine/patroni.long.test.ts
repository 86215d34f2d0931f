import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { type PatroniCluster, startPatroni } from '../support/patroni.ts';
import { eventually } from '../support/poll.ts';

const WRITERS = 4;
let cluster: PatroniCluster;

beforeAll(async () => {
  cluster = await startPatroni();
}, 180_000);
afterAll(async () => cluster.stop());

/** Clients that write one number after another, and note which were acknowledged and when. */
interface Writers {
  readonly acknowledged: readonly number[];
  /** Until so many more are acknowledged. */
  readonly more: (count: number) => Promise<void>;
  /** The longest time without an acknowledgement so far. */
  readonly gapMs: () => number;
  readonly stop: () => Promise<void>;
}

const startWriters = async (url: string): Promise<Writers> => {
  const sql = postgres(url, {
    max: WRITERS,
    // 'read-write' takes a standby too.
    target_session_attrs: 'primary',
    connect_timeout: 2,
    backoff: () => 0.2,
  });
  await sql`create table written (number int primary key)`;
  const acknowledged: number[] = [];
  const state = { next: 0, isOver: false, lastAt: performance.now(), gapMs: 0 };
  const write = async (): Promise<void> => {
    while (!state.isOver) {
      state.next += 1;
      const number = state.next;
      // A write whose connection broke may be there or not: the next has another number.
      const isDone = await sql`insert into written values (${number})`.then(
        () => true,
        () => false,
      );
      if (!isDone) {
        await sleep(50);
        continue;
      }
      acknowledged.push(number);
      state.gapMs = Math.max(state.gapMs, performance.now() - state.lastAt);
      state.lastAt = performance.now();
    }
  };
  const running = Promise.all(Array.from({ length: WRITERS }, write));
  const stop = async (): Promise<void> => {
    state.isOver = true;
    await running;
    await sql.end({ timeout: 1 });
  };
  return {
    acknowledged,
    more: async (count) => {
      const enough = acknowledged.length + count;
      const describe = (): string => `${String(acknowledged.length)} of ${String(enough)} are acknowledged`;
      await eventually(() => acknowledged.length >= enough, { deadlineMs: 120_000, describe });
    },
    gapMs: () => state.gapMs,
    stop,
  };
};

const numbersOn = async (
  node: PatroniCluster['nodes'][number],
  database: string,
): Promise<ReadonlySet<number>> =>
  new Set((await node.query('select number from written', database)).map(Number));

it.each(['leader', 'sync_standby'] as const)(
  'loses nothing acknowledged when its %s dies, takes writes again, and takes the node back as a standby',
  async (role) => {
    await cluster.waitUntilWhole();
    const { name, url } = await cluster.createDatabase();
    const writers = await startWriters(url);
    onTestFinished(writers.stop);
    await writers.more(500);
    const [leader, victim] = [await cluster.waitForLeader(), await cluster.nodeOf(role)];
    const waiting = "select pid from pg_stat_activity where wait_event = 'SyncRep'";
    await eventually(async () => (await leader.query(waiting)).length > 0, {
      everyMs: 1,
      describe: () => 'a write waits until a standby has it',
    });
    await victim.kill();
    await writers.more(500);
    await writers.stop();

    const next = await cluster.waitForLeader();
    const present = await numbersOn(next, name);
    const lost = writers.acknowledged.filter((number) => !present.has(number));
    console.log(
      `${role} killed: ${String(writers.acknowledged.length)} writes acknowledged, ${String(lost.length)} lost, ` +
        `${(writers.gapMs() / 1000).toFixed(1)} s without acknowledgement`,
    );
    expect(lost).toEqual([]);

    victim.start();
    await cluster.waitUntilWhole();
    expect(await cluster.leader()).toBe(next);
    expect(await victim.query('select pg_is_in_recovery()')).toEqual(['t']);
    await eventually(async () => (await numbersOn(victim, name)).size === present.size, {
      describe: () => `${victim.name} has what the leader has`,
    });
  },
  300_000,
);
