import { expect } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { assertCode, createScene, type Scene } from './scene.ts';

/** One reconcile, and what it says of `web`. */
export const reconcile = async (
  scene: Scene,
): Promise<{ code: number | null; web: Status['services'][number] }> => {
  const result = await scene.run(['once', '--json']);
  const [web] = (result.json() as Status).services;
  if (!web) throw new Error(result.stdout);
  return { code: result.code, web };
};

/** Version 1.0.0 serves. */
export const deployed = async (...lines: readonly string[]): Promise<Scene> => {
  const scene = await createScene();
  await scene.compose(scene.web([scene.ports, ...lines]));
  await scene.publish({ web: (await scene.push('1.0.0')).pinned });
  assertCode(await scene.once(), 0);
  return scene;
};

/** Writes this line into the compose file of `web`: the service is blocked with the words of the engine. */
export const isRefused = async (scene: Scene, line: string, words: RegExp): Promise<void> => {
  await scene.compose(scene.web([scene.ports, line]));
  const { code, web } = await reconcile(scene);
  expect([line, code, web.outcome, web.reason]).toEqual([line, 3, 'blocked', 'engine']);
  expect(web.message).toMatch(words);
  expect(web.advice).toMatch(/correct the compose file/);
  expect(web.until).toBeNull();
};
