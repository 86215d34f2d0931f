import { expect, inject, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { type RegistryFault, startFaultyRegistry } from '../../support/faulty-registry.ts';
import { flavours } from '../../support/flavours.ts';
import { type Registry, type RegistryAddress, startRegistry } from '../../support/registry.ts';
import { assertCode, createScene, type Scene, statusOf } from './scene.ts';

export const ownRegistry = async (): Promise<Registry> => {
  const registry = await startRegistry();
  onTestFinished(async () => registry.remove());
  return registry;
};

export const faultyMirror = async (behind: RegistryAddress, fault: RegistryFault | undefined) => {
  const mirror = await startFaultyRegistry(behind);
  onTestFinished(async () => mirror.close());
  mirror.setFault(fault);
  return mirror;
};

export const through = (registry: RegistryAddress, ...mirrors: readonly RegistryAddress[]) => ({
  SUPERCARGO_REGISTRY_MIRRORS: mirrors.map((m) => `${registry.address}=http://${m.address}`).join(' '),
});

export const originIn = async (scene: Scene) => (await statusOf(scene)).status.services[0]?.origin;

/** Deploys with a mirror that has this fault: the image comes from the registry, and status names the fault. */
export const isSkipped = async (fault: () => RegistryFault, code: string): Promise<void> => {
  const registry = inject('registry');
  const scene = await createScene({ registry });
  await scene.push('1.1.0', flavours.chatty);
  const mirror = await faultyMirror(registry, fault());
  const env = through(registry, mirror);
  const image = await scene.push('1.0.0');
  await scene.compose(scene.web());
  await scene.publish({ web: image.pinned });
  assertCode(await scene.once(env), 0);
  expect(await tryAnswer(scene.port)).toBe('1.0.0');
  expect(mirror.requests.length).toBeGreaterThan(0);
  expect(await originIn(scene)).toMatchObject({
    kind: 'registry',
    source: registry.address,
    skipped: [{ source: `http://${mirror.address}`, code }],
  });
};
