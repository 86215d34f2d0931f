import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import type { EdgeState } from '../../src/core/edge/edge-config.ts';
import { sharedDocker } from '../support/context.ts';
import { answersOf, askHealth, healthConfig, openPort, startHealthLoad } from '../support/edge-health.ts';
import { buildEdgeImage } from '../support/edge-image.ts';
import { type RunningEdge, startContainerEdge } from '../support/edge-start.ts';
import { loadImage } from '../support/images.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';

const IMAGE = 'supercargo-edge-test:health-long';
const REPLACEMENTS = 10;
const REQUESTS = 100;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
beforeAll(async () => loadImage(sharedDocker(), [IMAGE], await buildEdgeImage()));
afterAll(async () => sharedDocker().getImage(IMAGE).remove());

const stateOf = async ({ edge }: RunningEdge): Promise<EdgeState | undefined> =>
  edge.observe(AbortSignal.timeout(5_000)).catch(() => undefined);

type Start = (count: number, predecessor?: RunningEdge) => Promise<RunningEdge>;

const give = async (reason: string, ...edges: readonly RunningEdge[]): Promise<void> => {
  for (const { edge } of edges)
    await edge.apply(
      { kind: 'edge-answer', answers: answersOf(reason), counted: [] },
      AbortSignal.timeout(5_000),
    );
};

/** Edges that take one port over from each other. */
const scene = async (): Promise<{ readonly port: number; readonly start: Start }> => {
  const [web, db] = [await openPort(await freePort()), await openPort(await freePort())];
  cleanups.push(web.close, db.close);
  const port = await freePort();
  const start: Start = async (count, predecessor) => {
    const config = healthConfig(`e${String(count)}`, port, { web: web.port, db: db.port });
    const running = await startContainerEdge(sharedDocker(), IMAGE)(config, predecessor, answersOf('up'));
    cleanups.push(running.remove);
    await eventually(
      async () => (await running.edge.observe(AbortSignal.timeout(5_000))).frontends.length === 1,
      {
        describe: () => `edge ${String(count)} is bound`,
      },
    );
    return running;
  };
  return { port, start };
};

it('an edge that takes the health port over from another refuses no connection and forgets no answer', async () => {
  const { port, start } = await scene();
  let current = await start(0);
  await eventually(async () => (await askHealth(port, '/web')) === '200 up', {
    describe: () => 'it answers',
  });
  const load = startHealthLoad(port, ['/', '/web', '/db', '/web']);
  cleanups.push(load.stop);
  for (let count = 1; count <= REPLACEMENTS; count += 1) {
    const next = await start(count, current);
    await current.leave();
    const { isRunning } = current;
    await eventually(async () => !(await isRunning()), { describe: () => `edge ${String(count - 1)} ends` });
    current = next;
  }
  const seen = await load.stop();
  expect([...seen.keys()]).toEqual(['200 up']);
  console.log(`${String(seen.get('200 up'))} answers during ${String(REPLACEMENTS)} replacements`);
});

it('two edges at one port answer what both were given, and a leaving one answers no new connection', async () => {
  const { port, start } = await scene();
  const ask = async (): Promise<ReadonlySet<string>> =>
    new Set(await Promise.all(Array.from({ length: REQUESTS }, async () => askHealth(port, '/web'))));
  let current = await start(0);
  for (let count = 1; count <= REPLACEMENTS; count += 1) {
    const next = await start(count, current);
    await give(`both ${String(count)}`, current, next);
    expect([...(await ask())]).toEqual([`200 both ${String(count)}`]);
    await current.leave();
    await eventually(async () => (await stateOf(current))?.isLeaving !== false, {
      describe: () => `edge ${String(count - 1)} leaves`,
    });
    await give(`next ${String(count)}`, next);
    expect([...(await ask())]).toEqual([`200 next ${String(count)}`]);
    current = next;
  }
});
