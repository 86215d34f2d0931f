import { expect } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import type { Flavour } from '../../support/flavours.ts';
import { assertCode, createScene, deployed, onlyContainer, statusOf } from './scene.ts';

export interface BadRelease {
  readonly what: string;
  readonly flavour: Flavour;
  readonly lines?: readonly string[];
  readonly says: RegExp;
}

/** Deploys a good release and then a bad one: it is quarantined, and the good one serves again. */
export const quarantines = async ({ flavour, says, lines = [] }: BadRelease): Promise<void> => {
  const scene = await createScene();
  await deployed(scene, [scene.ports, ...lines]);
  const before = await onlyContainer(scene);
  const bad = await scene.push('1.1.0', flavour);
  await scene.publish({ web: bad.pinned });

  const once = await scene.once();
  assertCode(once, 3);
  expect(once.stdout).toMatch(/web +rolled-back +1\.1\.0 +1\.0\.0/);
  expect(once.stdout).toMatch(says);
  expect(once.stdout).toMatch(/→ publish another version, or try it again: supercargo retry web/);
  expect(await tryAnswer(scene.port)).toBe('1.0.0');
  const { id, name, restart, state } = before;
  expect(await onlyContainer(scene)).toMatchObject({ id, name, restart, state });

  // Quarantined: neither another look nor another service's publish tries it again.
  const plan = await scene.run(['plan']);
  expect(plan.code).toBe(3);
  expect(plan.stdout).toMatch(/web: rolled-back/);
  const settled = await onlyContainer(scene);
  expect((await scene.once()).code).toBe(3);
  expect(await onlyContainer(scene)).toEqual(settled);
  const { code, status } = await statusOf(scene);
  expect(code).toBe(3);
  expect(status.services).toMatchObject([
    {
      outcome: 'rolled-back',
      reason: 'quarantined',
      rolledBack: { from: '1.1.0', to: '1.0.0' },
      failure: { version: '1.1.0', attempt: 0 },
    },
  ]);
  expect((await scene.run(['history'])).stdout).toMatch(/web +release\.quarantined +version=1\.1\.0/);
};
