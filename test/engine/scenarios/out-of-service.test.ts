import { describe, expect, it } from 'vitest';
import { statusAt } from '../../support/health-watch.ts';
import { createHealthScene, LEAD_MS } from './out-of-service-scene.ts';
import { assertCode, onlyContainer, statusOf } from './scene.ts';

/** The watch asks every few milliseconds, and other tests want the machine too. */
const TOLERANCE_MS = 100;

describe('invariant 9: what a load balancer hears of a stop-first service', () => {
  it('is 503 from a lead before a switch until it is good, and while the host is drained', async () => {
    const scene = await createHealthScene();
    const webOf = async () => onlyContainer(scene, 'web');
    const heard = async (): Promise<readonly number[]> =>
      Promise.all(['/web', '/', '/other'].map(async (path) => statusAt(scene.healthPort, path)));
    await scene.agent();
    const [web, host] = [scene.watch('/web'), scene.watch('/')];

    await scene.publishWeb('1.1.0');
    assertCode(await scene.run(['sync', '--wait']), 0);
    const doneMs = Date.now();
    const after = await webOf();
    for (const { changes } of [web, host]) {
      expect(changes.map(({ status }) => status)).toEqual([200, 503, 200]);
      const [, red, green] = changes;
      expect(Date.parse(after.startedAt) - (red?.atMs ?? 0)).toBeGreaterThan(LEAD_MS - TOLERANCE_MS);
      expect(doneMs - (green?.atMs ?? 0)).toBeGreaterThan(LEAD_MS - TOLERANCE_MS);
    }

    assertCode(await scene.run(['drain', '--reason', 'new disk']), 0);
    expect(await heard()).toEqual([503, 503, 404]);
    expect(await webOf()).toMatchObject({ id: after.id, state: 'exited', restart: 'no' });
    const { status } = await statusOf(scene);
    expect(status.draining).toMatchObject({ reason: 'new disk', until: null, done: true });
    expect(status.services).toMatchObject([{ outcome: 'waiting', reason: 'drained', serves: false }]);

    assertCode(await scene.run(['undrain']), 0);
    expect(await heard()).toEqual([200, 200, 404]);
    expect(await webOf()).toMatchObject({ id: after.id, state: 'running', restart: 'unless-stopped' });

    for (const { changes, lies, stop } of [web, host]) {
      await stop();
      expect(changes.map((change) => change.status)).toEqual([200, 503, 200, 503, 200]);
      expect(lies).toEqual([]);
    }
  });
});
