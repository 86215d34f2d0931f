/**
 * The life of an agent in a process of its own, on a simulated engine: tells its parent how the heap has
 * grown. Needs --expose-gc.
 */
import { setImmediate } from 'node:timers/promises';
import { createAgent } from '../src/agent/agent.ts';
import { createSurroundings } from '../test/support/agent-ports.ts';
import { ENVIRONMENT, edgeSetting } from '../test/support/world.ts';

export interface HeapAnswer {
  readonly earlyBytes: number;
  readonly lateBytes: number;
}

const TICKS = 10_000;
const EARLY_TICKS = 100;
const TICKS_PER_DEPLOY = 20;
const VERSIONS = 5;
const signal = new AbortController().signal;

const names = Array.from({ length: 5 }, (_, n) => `s${String(n + 1)}`);
const compose = `services: { ${names.map((name) => `${name}: { image: org/web, restart: always }`).join(', ')} }`;

const heapBytes = async (): Promise<number> => {
  // What waits for the loop is let go first; weak things need a second round.
  await setImmediate();
  globalThis.gc?.();
  await setImmediate();
  globalThis.gc?.();
  return process.memoryUsage().heapUsed;
};

const live = async (): Promise<HeapAnswer> => {
  const host = createSurroundings(compose);
  for (let version = 0; version < VERSIONS; version += 1)
    host.engine.registry.push(`org/web:${String(version)}`);
  const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };
  const agent = createAgent(host, options, { running: true, version: '0', pid: 1 }, false);
  await agent.open(signal);
  await agent.settleLedger(signal);
  let earlyBytes = 0;
  for (let tick = 0; tick <= TICKS; tick += 1) {
    if (tick % TICKS_PER_DEPLOY === 0) {
      const image = `org/web:${String((tick / TICKS_PER_DEPLOY) % VERSIONS)}`;
      host.publish(tick + 1, Object.fromEntries(names.map((name) => [name, image])));
    }
    await agent.intake.fetch(signal);
    await agent.pass(signal);
    await agent.reconciler.close(1_000);
    host.engine.advance(1_000);
    // What the surroundings remember for tests is not the agent's.
    host.entries.length = 0;
    host.events.length = 0;
    if (tick === EARLY_TICKS) earlyBytes = await heapBytes();
  }
  return { earlyBytes, lateBytes: await heapBytes() };
};

const answer = await live();
process.send?.(answer, () => process.disconnect());
