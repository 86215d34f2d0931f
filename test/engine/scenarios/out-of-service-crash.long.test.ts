import type Docker from 'dockerode';
import { describe, expect, it } from 'vitest';
import { lateApp } from '../../support/load-app.ts';
import { statusAt } from '../../support/health-watch.ts';
import { eventually } from '../../support/poll.ts';
import { createHealthScene } from './out-of-service-scene.ts';
import { assertCode, onlyContainer } from './scene.ts';

describe('what a load balancer hears of a service whose container', () => {
  it.each<readonly [string, (container: Docker.Container) => Promise<unknown>]>([
    ['crashes', async (c) => process.kill((await c.inspect()).State.Pid, 'SIGKILL')],
    ['is restarted by hand', async (c) => c.restart({ t: 1 })],
    ['is stopped by hand', async (c) => c.stop({ t: 1 })],
  ])('%s is 503 from the moment the agent sees it until it answers again', async (_what, act) => {
    const scene = await createHealthScene({}, lateApp);
    await scene.agent();
    assertCode(await scene.run(['sync', '--wait']), 0);
    const watch = scene.watch();
    await act(scene.docker.getContainer((await onlyContainer(scene)).id));
    await eventually(() => watch.changes.length >= 3, {
      describe: () => `down and up again: ${JSON.stringify(watch.changes)}`,
    });
    await watch.stop();
    expect(await statusAt(scene.port, '/')).toBe(200);
    expect(watch.changes.map(({ status }) => status)).toEqual([200, 503, 200]);
    const redMs = watch.changes[1]?.atMs ?? 0;
    expect(watch.lies.filter((atMs) => atMs > redMs)).toEqual([]);
    assertCode(await scene.run(['sync', '--wait']), 0);
  });
});
