import { describe, expect, inject, it, onTestFinished } from 'vitest';
import { askAgent } from '../../../src/adapters/status-socket/ask-agent.ts';
import type { ServiceStatus, Status } from '../../../src/core/status/status-document.ts';
import { tryAnswer, untilAnswers } from '../../support/answer.ts';
import { type RegistryFault, registryFaults, startFaultyRegistry } from '../../support/faulty-registry.ts';
import { eventually } from '../../support/poll.ts';
import { containersOf, createScene, deployed, type Scene, told } from './scene.ts';

const behindFaults = async () => {
  const registry = await startFaultyRegistry(inject('registry'));
  onTestFinished(async () => registry.close());
  const scene = await createScene({ registry });
  await deployed(scene);
  return { registry, scene };
};

/** Asked in this process: a command of its own each time would take longer than what is watched. */
const web = async ({ socket }: Scene): Promise<ServiceStatus | undefined> => {
  const answer = (await askAgent(socket, 'GET', '/status', undefined)) as Status | undefined;
  return answer?.services.find((s) => s.service === 'web');
};

/** The service, once it is told like this. */
const untilTold = async (scene: Scene, isSo: (web: ServiceStatus) => boolean): Promise<ServiceStatus> =>
  eventually(
    async () => {
      const now = await web(scene);
      return now && isSo(now) ? now : undefined;
    },
    { describe: async () => told(await scene.run(['status'])) },
  );

/** It never stops, and its container is the same. */
const isUntouched = async (scene: Scene, version: string, before: unknown): Promise<void> => {
  expect(await tryAnswer(scene.port)).toBe(version);
  expect(await containersOf(scene)).toEqual(before);
};

const settledOn = async (scene: Scene, version: string): Promise<void> => {
  await untilAnswers(scene.port, version, 60_000);
  await untilTold(scene, (s) => s.outcome === 'converged' && s.containers.length === 1);
};

const FAULTS: readonly (readonly [() => RegistryFault, Partial<ServiceStatus>, RegExp])[] = [
  [
    registryFaults.rateLimit,
    { outcome: 'waiting', reason: 'back-off' },
    /cannot pull .*(?:toomanyrequests|Too Many Requests)/i,
  ],
  [
    () => registryFaults.rateLimit({ 'retry-after': '1' }),
    { outcome: 'waiting', reason: 'back-off' },
    /cannot pull .*(?:toomanyrequests|Too Many Requests)/i,
  ],
  [
    registryFaults.tokenExpired,
    { outcome: 'blocked', reason: 'auth' },
    /cannot pull .*(?:unauthorized|no basic auth)/i,
  ],
  [
    registryFaults.brokenGateway,
    { outcome: 'waiting', reason: 'back-off' },
    /cannot pull .*(?:502|Bad Gateway)/i,
  ],
  [registryFaults.webPage, { outcome: 'waiting', reason: 'back-off' }, /cannot pull /],
];

describe('a registry that', () => {
  it('limits pulls, takes our token for expired, has a broken gateway before it or is a login page touches nothing that runs; status says why and when it is tried again, and then it is over', async () => {
    const { registry, scene } = await behindFaults();
    await scene.agent();
    for (const [round, [fault, expected, cause]] of FAULTS.entries()) {
      const [now, next] = [`1.${String(round)}.0`, `1.${String(round + 1)}.0`];
      const before = await containersOf(scene);
      const image = await scene.push(next);
      registry.setFault(fault());
      await scene.publish({ web: image.pinned });
      const { message } = await untilTold(
        scene,
        (s) => s.until !== null && s.outcome === expected.outcome && s.reason === expected.reason,
      );
      expect(message).toMatch(cause);
      await isUntouched(scene, now, before);
      registry.setFault(undefined);
      await settledOn(scene, next);
    }
  });

  it('delivers half of a layer touches nothing that runs, and what came is never started', async () => {
    const { registry, scene } = await behindFaults();
    const before = await containersOf(scene);
    const next = await scene.push('1.1.0');
    registry.setFault(registryFaults.halfLayers());
    await scene.publish({ web: next.pinned });
    await scene.agent();
    await eventually(() => registry.requests.filter((r) => r.includes('/blobs/')).length > 1, {
      describe: () => `the layers are asked for: ${registry.requests.join(', ')}`,
    });
    await isUntouched(scene, '1.0.0', before);
    // The engine asks again by itself for a while; after that it is the agent's turn.
    expect(['progressing image', 'waiting back-off']).toContain(
      ((s) => `${s?.outcome ?? ''} ${s?.reason ?? ''}`)(await web(scene)),
    );
    registry.setFault(undefined);
    await settledOn(scene, '1.1.0');
  });

  it('trickles is waited for, and status shows how far it is', async () => {
    const { registry, scene } = await behindFaults();
    const before = await containersOf(scene);
    const next = await scene.push('1.1.0');
    let isOver = false;
    registry.setFault(registryFaults.trickle(20, () => isOver));
    await scene.publish({ web: next.pinned });
    await scene.agent();
    await untilTold(scene, (s) => (s.progress?.layersTotal ?? 0) > 0);
    expect(told(await scene.run(['status']))).toMatch(/web: fetching 1\.1\.0, \d of \d layers/);
    await isUntouched(scene, '1.0.0', before);
    isOver = true;
    await settledOn(scene, '1.1.0');
  });
});
