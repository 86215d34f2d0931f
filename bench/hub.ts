/**
 * npm run bench:hub              unchanged answers a second, memory of held polls, how soon agents know
 * npm run bench:hub -- --json    the same as JSON
 * npm run bench:hub -- --rounds 3 --polls 1000 --agents 100
 * npm run bench:hub -- --against FOLDER   in turns with the hub of another, built checkout
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
import { supercargo } from '../test/support/host.ts';
import { MANIFEST, withHub, type BenchHub } from './bench-hub.ts';
import type { AgentsAnswer, HoldOrder } from './hub-agents.ts';
import { hubReport, hubTable, type HubMemory, type HubNotified, type HubSetting } from './hub-report.ts';
import { manifestText } from './manifest-text.ts';
import { buildBundle } from '../scripts/build.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    against: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    polls: { type: 'string', default: '5000' },
    agents: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '5' },
  },
});
const [rounds, polls, agents, seconds] = [values.rounds, values.polls, values.agents, values.seconds].map(
  Number,
);
const programs = [
  supercargo,
  ...(values.against === undefined ? [] : [join(values.against, 'bin', 'supercargo')]),
];
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

const measureUnchanged = (program: string): Promise<number> =>
  withHub(
    ended.signal,
    async (hub) => {
      const tag = await hub.publish(manifestText(1));
      const measure = existsSync(WRK) ? byWrk : byNode;
      return measure(hub.port, tag);
    },
    { program },
  );

/** The hub's memory with all polls held: each time, every agent has a new connection. */
const measureMemory = (program: string, isSecure: boolean, times: number): Promise<HubMemory> =>
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
    { program, isSecure },
  );

const measureNotified = (program: string): Promise<HubNotified> =>
  withHub(
    ended.signal,
    (hub) =>
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
    { program },
  );

/** The programs take turns. Resolves with the results of each. */
const repeat = async <T>(work: (program: string) => Promise<T>): Promise<readonly T[][]> => {
  const results = programs.map((program) => ({ program, of: [] as T[] }));
  for (let round = 0; round < (rounds ?? 0); round += 1)
    for (const { program, of } of results) of.push(await work(program));
  return results.map(({ of }) => of);
};

const main = async (): Promise<void> => {
  await buildBundle();
  const unchanged = await repeat(measureUnchanged);
  const memory = await repeat((program) => measureMemory(program, false, 1));
  const secure = await repeat((program) => measureMemory(program, true, 3));
  const notified = await repeat(measureNotified);
  const by: HubSetting['by'] = existsSync(WRK) ? 'wrk' : 'node';
  const setting = {
    rounds: rounds ?? 0,
    polls: polls ?? 0,
    agents: agents ?? 0,
    connections: CONNECTIONS,
    by,
  };
  const [report, other] = programs.map((_, at) =>
    hubReport(setting, {
      unchanged: unchanged[at] ?? [],
      memory: memory[at] ?? [],
      secure: secure[at] ?? [],
      notified: notified[at] ?? [],
    }),
  );
  if (report === undefined) return;
  console.log(
    values.json ? JSON.stringify({ ...report, ...(other && { against: other }) }) : hubTable(report, other),
  );
};

try {
  await main();
} catch (error) {
  if (!ended.signal.aborted) throw error;
  process.exitCode = 130;
}
