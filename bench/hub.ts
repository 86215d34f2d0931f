/**
 * npm run bench:hub              unchanged answers a second, memory of held polls, how soon agents know
 * npm run bench:hub -- --json    the same as JSON
 * npm run bench:hub -- --rounds 3 --polls 1000 --agents 100
 * 1. GET of a manifest that has not changed, answered with 304; by wrk where it is installed (Debian: wrk),
 *    else by Node
 * 2. memory of the hub with so many long polls held, beside its memory without; with TLS also after all
 *    agents have come back twice
 * 3. a publish, until each of many agents has the new manifest
 * Each round has a hub of its own on a fresh folder; medians over the rounds, with the extremes.
 */
import { execFile, fork, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { parseArgs, promisify } from 'node:util';
import { percentile } from '../test/support/load.ts';
import { eventually } from '../test/support/poll.ts';
import { MANIFEST, withHub, type BenchHub } from './bench-hub.ts';
import type { AgentsAnswer, HoldOrder } from './hub-agents.ts';
import { manifestText } from './manifest-text.ts';
import { buildBundle } from '../scripts/build.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '5' },
    polls: { type: 'string', default: '5000' },
    agents: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
  },
});
const [rounds, polls, agents, seconds] = [values.rounds, values.polls, values.agents, values.seconds].map(
  Number,
);
const CONNECTIONS = 64;
const WRK = '/usr/bin/wrk';
const run = promisify(execFile);

const ended = new AbortController();
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => ended.abort());

/** Agents in a program of their own: their work is not the hub's. */
const withAgents = async <T>(work: (child: ChildProcess) => Promise<T>): Promise<T> => {
  const child = fork(join(import.meta.dirname, 'hub-agents.ts'));
  const stop = (): void => void child.kill();
  ended.signal.addEventListener('abort', stop);
  try {
    return await work(child);
  } finally {
    ended.signal.removeEventListener('abort', stop);
    child.kill();
  }
};

const answerOf = async <K extends AgentsAnswer['kind']>(
  child: ChildProcess,
  kind: K,
): Promise<Extract<AgentsAnswer, { kind: K }>> => {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<AgentsAnswer, { kind: K }>>();
  const isWanted = (answer: AgentsAnswer): answer is Extract<AgentsAnswer, { kind: K }> =>
    answer.kind === kind;
  const onMessage = (answer: unknown): void => {
    if (isWanted(answer as AgentsAnswer)) resolve(answer as Extract<AgentsAnswer, { kind: K }>);
  };
  const onExit = (): void => reject(new Error('the agents ended'));
  child.on('message', onMessage).once('exit', onExit);
  if (child.killed) onExit();
  try {
    return await promise;
  } finally {
    child.off('message', onMessage).off('exit', onExit);
  }
};

const untilHeld = (hub: BenchHub, count: number): Promise<unknown> =>
  eventually(async () => ended.signal.aborted || (await hub.heldPolls()) === count, {
    deadlineMs: 60_000,
    describe: async () => `${String(count)} polls are held, there are ${String(await hub.heldPolls())}`,
  });

const holdAll = async (
  hub: BenchHub,
  child: ChildProcess,
  count: number,
  tag: string,
  isSecure = false,
): Promise<void> => {
  const held = answerOf(child, 'held');
  child.send({ port: hub.port, isSecure, path: MANIFEST, count, tag } satisfies HoldOrder);
  await held;
  await untilHeld(hub, count);
};

const byWrk = async (port: number, tag: string): Promise<number> => {
  const load = ['-t', '1', '-c', String(CONNECTIONS), '-d', `${String(seconds)}s`];
  const { stdout } = await run(
    WRK,
    [...load, '-H', `If-None-Match: ${tag}`, `http://127.0.0.1:${String(port)}${MANIFEST}`],
    { signal: ended.signal },
  );
  return Number(/Requests\/sec:\s+([\d.]+)/.exec(stdout)?.[1] ?? 0);
};

/** Less than wrk gets out of the same hub: the generator itself is the limit. */
const byNode = async (port: number, tag: string): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: CONNECTIONS });
  const started = performance.now();
  const end = started + (seconds ?? 0) * 1000;
  const once = (): Promise<void> =>
    new Promise((resolve, reject) => {
      request(
        { port, host: '127.0.0.1', path: MANIFEST, agent, headers: { 'if-none-match': tag } },
        (answer) => answer.resume().once('end', resolve),
      )
        .once('error', reject)
        .end();
    });
  const counts = await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      let count = 0;
      for (; performance.now() < end && !ended.signal.aborted; count += 1) await once();
      return count;
    }),
  );
  agent.destroy();
  return counts.reduce((sum, count) => sum + count, 0) / ((performance.now() - started) / 1000);
};

const measureUnchanged = (): Promise<number> =>
  withHub(ended.signal, async (hub) => {
    const tag = await hub.publish(manifestText(1));
    const measure = existsSync(WRK) ? byWrk : byNode;
    return measure(hub.port, tag);
  });

/** The hub's memory with all polls held: each time, every agent has a new connection. */
const measureMemory = (isSecure: boolean, times: number): Promise<{ idle: number; held: number[] }> =>
  withHub(
    ended.signal,
    async (hub) => {
      const tag = await hub.publish(manifestText(1));
      const idle = await hub.residentBytes();
      const held: number[] = [];
      while (held.length < times) {
        await untilHeld(hub, 0);
        await withAgents(async (child) => {
          await holdAll(hub, child, polls ?? 0, tag, isSecure);
          held.push(await hub.residentBytes());
        });
      }
      return { idle, held };
    },
    { isSecure },
  );

const measureNotified = (): Promise<{ p50: number; p99: number; max: number }> =>
  withHub(ended.signal, (hub) =>
    withAgents(async (child) => {
      // The first publish warms up both sides.
      let tag = await hub.publish(manifestText(1));
      let times: number[] = [];
      for (const serial of [2, 3]) {
        await holdAll(hub, child, agents ?? 0, tag);
        const notified = answerOf(child, 'notified');
        const startedNs = process.hrtime.bigint();
        tag = await hub.publish(manifestText(serial));
        const { atNs } = await notified;
        times = atNs.map((at) => Number(BigInt(at) - startedNs) / 1e6).toSorted((a, b) => a - b);
      }
      return { p50: percentile(times, 0.5), p99: percentile(times, 0.99), max: times.at(-1) ?? 0 };
    }),
  );

interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

const spreadOf = (figures: readonly number[]): Spread => {
  const sorted = figures.toSorted((a, b) => a - b);
  return { median: percentile(sorted, 0.5), min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
};

const repeat = async <T>(work: () => Promise<T>): Promise<T[]> => {
  const results: T[] = [];
  while (results.length < (rounds ?? 0)) results.push(await work());
  return results;
};

const line = (name: string, { median, min, max }: Spread, unit: string, digits = 0): string =>
  `${name.padEnd(46)}${[median, min, max].map((value) => value.toFixed(digits).padStart(11)).join('')}  ${unit}`;

const MIB = 1024 * 1024;

const main = async (): Promise<void> => {
  await buildBundle();
  const unchanged = spreadOf(await repeat(measureUnchanged));
  const memory = await repeat(() => measureMemory(false, 1));
  const secure = await repeat(() => measureMemory(true, 3));
  const kibPerPoll = (results: typeof memory, time: number): Spread =>
    spreadOf(results.map(({ idle, held }) => ((held[time] ?? 0) - idle) / 1024 / (polls ?? 1)));
  const notified = await repeat(measureNotified);
  const report = {
    rounds,
    unchangedAnswersPerSecond: {
      by: existsSync(WRK) ? 'wrk' : 'node',
      connections: CONNECTIONS,
      ...unchanged,
    },
    memoryMiB: {
      polls,
      idle: spreadOf(memory.map(({ idle }) => idle / MIB)),
      held: spreadOf(memory.map(({ held }) => (held[0] ?? 0) / MIB)),
      kibPerPoll: kibPerPoll(memory, 0),
      kibPerPollTls: kibPerPoll(secure, 0),
      kibPerPollTlsAgain: kibPerPoll(secure, 2),
    },
    publishToNotifiedMs: {
      agents,
      p50: spreadOf(notified.map(({ p50 }) => p50)),
      p99: spreadOf(notified.map(({ p99 }) => p99)),
      last: spreadOf(notified.map(({ max }) => max)),
    },
  };
  if (values.json) {
    console.log(JSON.stringify(report));
    return;
  }
  const { memoryMiB, publishToNotifiedMs } = report;
  console.log(`${''.padEnd(46)}     median        min        max  over ${String(rounds)} rounds`);
  console.log(
    line(
      `304 answers (${report.unchangedAnswersPerSecond.by}, ${String(CONNECTIONS)} connections)`,
      unchanged,
      'a second',
    ),
  );
  console.log(line('memory without polls', memoryMiB.idle, 'MiB'));
  console.log(line(`memory with ${String(polls)} held polls`, memoryMiB.held, 'MiB'));
  console.log(line('  each', memoryMiB.kibPerPoll, 'KiB', 1));
  console.log(line('  each, with TLS', memoryMiB.kibPerPollTls, 'KiB', 1));
  console.log(line('  each, with TLS, all agents back twice', memoryMiB.kibPerPollTlsAgain, 'KiB', 1));
  console.log(line(`publish → notified, ${String(agents)} agents: p50`, publishToNotifiedMs.p50, 'ms', 1));
  console.log(line('  p99', publishToNotifiedMs.p99, 'ms', 1));
  console.log(line('  the last one', publishToNotifiedMs.last, 'ms', 1));
};

try {
  await main();
} catch (error) {
  if (!ended.signal.aborted) throw error;
  process.exitCode = 130;
}
