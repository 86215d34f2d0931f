import { expect } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { edgesOf } from '../../support/load-edge.ts';
import { loadApp } from '../../support/load-app.ts';
import { failuresOf, NO_FAILURES } from '../../support/load.ts';
import { assertCode, type Scene } from './scene.ts';
import { appsOf, createEdgeScene, loadFromBothSides } from './start-first-scene.ts';

export const stopFirst = (port: number): readonly string[] => [
  `ports: ["${String(port)}:8888"]`,
  'deploy: {update_config: {monitor: 500ms}}',
  'x-supercargo: {drain: 1s, healthy-within: 60s}',
];
/** An edge whose image is none takes all of the time. */
export const startFirst = (port: number): readonly string[] => [
  `ports: ["${String(port)}:8888"]`,
  'deploy: {update_config: {order: start-first, monitor: 500ms}}',
  'x-supercargo: {drain: 1s, healthy-within: 6s}',
];

const deployed = async (scene: Scene): Promise<string> => {
  const image = await scene.push('1.0.0', loadApp);
  await scene.compose(scene.web(stopFirst(scene.port)));
  await scene.publish({ web: image.pinned });
  assertCode(await scene.once(), 0);
  return image.pinned;
};

/** An edge image that is none takes no port from the container that serves. */
export const servesWithoutEdgeImage = async (mode: 'host' | 'publish'): Promise<void> => {
  const scene = await createEdgeScene({ env: { SUPERCARGO_EDGE_MODE: mode } });
  const image = await deployed(scene);
  await scene.compose(scene.web(startFirst(scene.port)));
  const load = await loadFromBothSides(scene.port);
  const once = await scene.once({ SUPERCARGO_EDGE_IMAGE: image });
  const report = await load.stop();
  expect(once.code).toBeGreaterThan(1);
  expect(once.stdout).toMatch(/SUPERCARGO_EDGE_IMAGE|haproxy/);
  expect(failuresOf(report)).toEqual(NO_FAILURES);
  expect(await appsOf(scene)).toContain('web 1.0.0 running');
  assertCode(await scene.once(), 0);
  expect(await tryAnswer(scene.port)).toBe('1.0.0');
  expect(await edgesOf(scene)).toHaveLength(1);
};
