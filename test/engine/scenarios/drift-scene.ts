import type Docker from 'dockerode';
import { expect } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { assertCode, createScene, deployed, onlyContainer, type Scene } from './scene.ts';

export interface Drift {
  readonly what: string;
  readonly make: (container: Docker.Container, scene: Scene) => Promise<unknown>;
  /** What plan would do about it. */
  readonly plan: RegExp;
  /** The same container serves on, without a restart. */
  readonly keeps: 'nothing' | 'container' | 'process';
}

/** One after the other, on one host: plan foresees the repair, and once makes it. */
export const arePutBack = async (drifts: readonly Drift[]): Promise<void> => {
  const scene = await createScene();
  await deployed(scene, [scene.ports, 'mem_limit: 128m']);
  for (const { what, make, plan, keeps } of drifts) {
    const before = await onlyContainer(scene);
    const container = scene.docker.getContainer(before.id);
    await make(container, scene);

    const foreseen = await scene.run(['plan']);
    expect({ what, code: foreseen.code }).toEqual({ what, code: 2 });
    expect(foreseen.stdout).toMatch(plan);
    const status = await scene.run(['status']);
    expect(status.stdout).toMatch(/web +progressing/);

    const once = await scene.once();
    assertCode(once, 0);
    expect(await tryAnswer(scene.port)).toBe('1.0.0');
    const after = await onlyContainer(scene);
    expect(after).toMatchObject({ name: before.name, state: 'running', restart: 'unless-stopped' });
    expect({ id: after.id === before.id, process: after.startedAt === before.startedAt }).toEqual({
      id: keeps !== 'nothing',
      process: keeps === 'process',
    });
    const { HostConfig, NetworkSettings } = await scene.docker.getContainer(after.id).inspect();
    expect(HostConfig.Memory).toBe(128 * 1024 ** 2);
    const networks = Object.entries(NetworkSettings.Networks);
    expect(networks.map(([network]) => network)).toEqual([`${scene.environment}_default`]);
    expect(networks[0]?.[1].Aliases).toContain('web');
    expect((await scene.run(['plan'])).stdout).toBe('web: converged\n');
  }
};
