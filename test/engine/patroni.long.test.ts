import { setTimeout as sleep } from 'node:timers/promises';
import postgres from 'postgres';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { parseDatabaseAddress } from '../../src/adapters/hub-postgres/database-address.ts';
import { checkDatabase } from '../../src/cli/doctor/check-database.ts';
import { type PatroniCluster, type PatroniNode, startPatroni } from '../support/patroni.ts';
import { eventually } from '../support/poll.ts';

const WRITERS = 4;
let cluster: PatroniCluster;

beforeAll(async () => {
  cluster = await startPatroni();
}, 180_000);
afterAll(async () => cluster.stop());

/** Clients that write one number after another. */
interface Writers {
  readonly acknowledged: readonly number[];
  /** Until so many more are acknowledged. */
  readonly more: (count: number) => Promise<void>;
  /** The longest time without an acknowledgement so far. */
  readonly gapMs: () => number;
  readonly stop: () => Promise<void>;
}

/** When a write that is not answered is given up: the driver itself waits for a machine that hangs. */
const PATIENCE_MS = 3_000;

const startWriters = async (url: string): Promise<Writers> => {
  const clients: postgres.Sql[] = [];
  const connect = (): postgres.Sql => {
    const client = postgres(url, {
      max: WRITERS,
      // 'read-write' takes a standby too.
      target_session_attrs: 'primary',
      connect_timeout: 2,
      backoff: () => 0.2,
      onnotice: () => undefined,
    });
    clients.push(client);
    return client;
  };
  const acknowledged: number[] = [];
  const state = { sql: connect(), next: 0, isOver: false, lastAt: 0, gapMs: 0 };
  await state.sql`create table written (number int primary key)`;
  state.lastAt = performance.now();

  const acknowledge = (number: number): void => {
    acknowledged.push(number);
    state.gapMs = Math.max(state.gapMs, performance.now() - state.lastAt);
    state.lastAt = performance.now();
  };
  const write = async (): Promise<void> => {
    while (!state.isOver) {
      state.next += 1;
      const { sql, next: number } = state;
      // A write whose connection broke may be there or not: the next has another number. One that is answered
      // after all counts.
      const answer = sql`insert into written values (${number})`.then(
        () => acknowledge(number),
        async () => sleep(50),
      );
      const isSilent = await Promise.race([answer, sleep(PATIENCE_MS, 'silent')]);
      if (isSilent === 'silent' && sql === state.sql) state.sql = connect();
    }
  };
  const running = Promise.all(Array.from({ length: WRITERS }, write));
  return {
    acknowledged,
    more: async (count) => {
      const enough = acknowledged.length + count;
      const describe = (): string => `${String(acknowledged.length)} of ${String(enough)} are acknowledged`;
      await eventually(() => acknowledged.length >= enough, { deadlineMs: 120_000, describe });
    },
    gapMs: () => state.gapMs,
    stop: async () => {
      state.isOver = true;
      await running;
      await Promise.all(clients.map(async (client) => client.end({ timeout: 1 })));
    },
  };
};

const numbersOn = async (node: PatroniNode, database: string): Promise<ReadonlySet<number>> =>
  new Set((await node.query('select number from written', database)).map(Number));

/** Each returns what undoes it. */
const FAULTS = {
  dies: async (node: PatroniNode): Promise<() => void> => {
    await node.kill();
    return node.start;
  },
  hangs: async (node: PatroniNode): Promise<() => void> => Promise.resolve(node.freeze()),
} as const;

it('is told by hub doctor: who is the primary, and whether a standby has each write', async () => {
  await cluster.waitUntilWhole();
  const { url } = await cluster.createDatabase();
  const linesOf = async (): Promise<readonly string[]> => {
    const checks = await checkDatabase(parseDatabaseAddress(url), new AbortController().signal);
    return checks.map(({ result, name, message }) => `${result} ${name}: ${message}`);
  };
  const leader = await cluster.waitForLeader();
  const lines = await linesOf();
  for (const { port } of cluster.nodes) {
    const role = port === leader.port ? 'the primary' : 'a standby';
    expect(lines).toContain(`ok database: 127.0.0.1:${String(port)} is ${role}`);
  }
  expect(lines).toContain('hint standbys: 2 connected; the role may not see which of them are synchronous');
  await leader.query('grant pg_read_all_stats to hub');
  expect(await linesOf()).toContain('ok standbys: 2 connected, 1 of them synchronous');
}, 120_000);

it.each([
  ['leader', 'dies'],
  ['sync_standby', 'dies'],
  ['leader', 'hangs'],
] as const)(
  'loses nothing acknowledged when its %s %s, takes writes again, and takes the node back as a standby',
  async (role, fault) => {
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
    const undo = await FAULTS[fault](victim);
    await writers.more(500);
    const gapMs = writers.gapMs();
    undo();
    await eventually(async () => (await victim.query('select pg_is_in_recovery()'))[0] === 't', {
      deadlineMs: 120_000,
      describe: () => `${victim.name} is a standby`,
    });
    await cluster.waitUntilWhole();
    await writers.more(500);
    await writers.stop();

    const present = await numbersOn(await cluster.waitForLeader(), name);
    const lost = writers.acknowledged.filter((number) => !present.has(number));
    console.log(
      `${role} ${fault}: ${String(writers.acknowledged.length)} writes acknowledged, ${String(lost.length)} lost, ` +
        `${(gapMs / 1000).toFixed(1)} s without acknowledgement`,
    );
    expect(lost).toEqual([]);
    for (const node of cluster.nodes)
      await eventually(async () => (await numbersOn(node, name)).size === present.size, {
        describe: () => `${node.name} has what the leader has`,
      });
  },
  300_000,
);
