import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Agent } from '../test/support/agent.ts';
import { flavours } from '../test/support/flavours.ts';
import { supercargo, type TestHost } from '../test/support/host.ts';
import { createImagePusher, pullImage } from '../test/support/images.ts';
import { FOREIGN_LABEL } from '../test/support/leftovers.ts';
import { startEngineRelay, type EngineRelay, type Sent } from './engine-relay.ts';
import { relativeRow, spreadOf, type Row } from './figures.ts';
import { bareNodeMb, daemonFlags, residentMb, tickCosts, timeToWord } from './process-cost.ts';
import type { Setting } from './setting.ts';
import { untilConverged } from './switch-load.ts';

const SERVICES = 20;
const MANY = 500;
/** A container that started within the last minute is looked at more closely: no tick is idle before. */
const YOUNG_MS = 65_000;
const SECONDS = 5;

/** A host where nothing changes: what a tick, the memory and the start of the daemon cost. */
export const measureIdle = (setting: Setting): Promise<readonly Row[]> =>
  setting.onHost(async (host) => {
    const relay = await startEngineRelay(setting.dockerHost, join(host.folder, 'relay.sock'));
    try {
      const agent = await twentyServices(setting, host, relay);
      const quiet = await twenty(setting, agent, relay);
      const many = await fiveHundred(setting, host, agent);
      await agent.stop();
      return [...quiet, many, await start(setting, host)];
    } finally {
      await relay.close();
    }
  });

const twentyServices = async (
  { registry }: Setting,
  host: TestHost,
  { dockerHost }: EngineRelay,
): Promise<Agent> => {
  const image = await createImagePusher().push(registry, 'org/idle', '1.0.0', flavours.web);
  const names = Array.from({ length: SERVICES }, (_, n) => `s${String(n + 1)}`);
  const service = (name: string): string => `
  ${name}:
    image: ${image.repository}
    restart: always
    environment: { NODE_ENV: production }
    stop_grace_period: 1s
    deploy: { update_config: { monitor: 1s } }`;
  await host.compose(`services:${names.map(service).join('')}\n`);
  await host.publish(Object.fromEntries(names.map((name) => [name, image.pinned])));
  const first = await host.agent();
  await untilConverged(host, 300_000);
  // One that has deployed has loaded more than one that only looks; most of its life an agent is the latter.
  await first.stop();
  const agent = await host.agent({ env: { DOCKER_HOST: dockerHost } });
  await sleep(YOUNG_MS);
  return agent;
};

const isWrite = (call: string): boolean => !call.startsWith('GET ');

const twenty = async ({ rounds }: Setting, { pid }: Agent, relay: EngineRelay): Promise<readonly Row[]> => {
  const sent: Sent[] = [];
  const [ticks, memory, bare] = [[] as number[], [] as number[], [] as number[]];
  for (let round = 0; round < rounds; round += 1) {
    relay.taken();
    ticks.push(...(await tickCosts(pid, 1, SECONDS)));
    sent.push(relay.taken());
    memory.push(await residentMb(pid));
    bare.push(await bareNodeMb());
  }
  const name = `idle tick, ${String(SERVICES)} services`;
  const writes = sent.reduce((sum, { calls }) => sum + calls.filter(isWrite).length, 0);
  const perTick = (of: (s: Sent) => number) => spreadOf(sent.map((s) => of(s) / SECONDS));
  const [cost, bytes, rss, bareRss] = [
    spreadOf(ticks),
    perTick((s) => s.bytes),
    spreadOf(memory),
    spreadOf(bare),
  ];
  return [
    {
      name,
      unit: 'ms',
      ours: cost,
      yardstick: { name: 'CPU time' },
      goal: '≤ 3 ms',
      isMet: cost.median <= 3,
    },
    {
      name,
      unit: 'B',
      ours: bytes,
      yardstick: { name: 'sent to the engine' },
      goal: '≤ 500 B',
      isMet: bytes.median <= 500,
    },
    {
      name,
      unit: 'calls',
      ours: perTick((s) => s.calls.length),
      yardstick: { name: `to the engine, ${String(writes)} of them write` },
      goal: 'no write',
      isMet: writes === 0,
    },
    {
      name: `memory, idle, ${String(SERVICES)} services`,
      unit: 'MB',
      ours: rss,
      yardstick: { name: 'bare Node, same flags', spread: bareRss },
      goal: '≤ 1.5 × and ≤ 66 MB',
      isMet: rss.median <= 1.5 * bareRss.median && rss.median <= 66,
    },
  ];
};

/**
 * The others are foreign and do not run: the engine lists them all the same, and ports, names and images of
 * theirs count.
 */
const fiveHundred = async (
  { docker, registry, rounds }: Setting,
  host: TestHost,
  agent: Agent,
): Promise<Row> => {
  const { ref } = await createImagePusher().push(registry, 'org/foreign', '1.0.0', flavours.web);
  await pullImage(docker, ref);
  const addUpTo = async (count: number): Promise<void> => {
    const there = await docker.listContainers({ all: true });
    for (let n = there.length; n < count; n += 1)
      await docker.createContainer({
        name: `${host.environment}-foreign-${String(n)}`,
        Image: ref,
        Labels: { [FOREIGN_LABEL]: host.environment },
      });
    // What the creations woke is over.
    await sleep(3_000);
  };
  const costAt = async (count: number) => {
    await addUpTo(count);
    return spreadOf(await tickCosts(agent.pid, rounds, 3));
  };
  const half = await costAt(MANY / 2);
  const all = await costAt(MANY);
  return {
    name: `idle tick, ${String(MANY)} containers`,
    unit: 'ms',
    ours: all,
    yardstick: { name: `with ${String(MANY / 2)}`, spread: half },
    goal: 'linear, ≤ 40 ms',
    isMet: all.median <= 40 && all.median <= 2.2 * half.median,
  };
};

/** READY is said after the first look; the line of the log follows at once. */
const start = async ({ rounds }: Setting, host: TestHost): Promise<Row> => {
  const env = { ...host.env, SUPERCARGO_LOG_LEVEL: 'debug' };
  const [daemon, bare] = [[] as number[], [] as number[]];
  for (let round = 0; round < rounds; round += 1) {
    daemon.push(await timeToWord(supercargo, ['run'], env, 'tick.ended'));
    bare.push(await timeToWord(process.execPath, [...(await daemonFlags()), '-e', '0'], env));
  }
  return relativeRow(5, {
    name: 'start of the daemon to READY',
    unit: 'ms',
    ours: spreadOf(daemon),
    yardstick: { name: 'node -e 0, same flags', spread: spreadOf(bare) },
  });
};
