import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { sharedDocker } from '../support/context.ts';
import { answersOf, askHealth, healthConfig, openPort, startHealthLoad } from '../support/edge-health.ts';
import { buildEdgeImage } from '../support/edge-image.ts';
import { type RunningEdge, startContainerEdge } from '../support/edge-start.ts';
import { loadImage } from '../support/images.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';

const IMAGE = 'supercargo-edge-test:health-long';
const REPLACEMENTS = 10;

const cleanups: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
beforeAll(async () => loadImage(sharedDocker(), [IMAGE], await buildEdgeImage()));
afterAll(async () => sharedDocker().getImage(IMAGE).remove());

it('an edge that takes the health port over from another refuses no connection and forgets no answer', async () => {
  const [web, db] = [await openPort(await freePort()), await openPort(await freePort())];
  cleanups.push(web.close, db.close);
  const port = await freePort();
  const start = async (count: number, predecessor?: RunningEdge): Promise<RunningEdge> => {
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
