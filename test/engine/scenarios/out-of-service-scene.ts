import { onTestFinished } from 'vitest';
import { type HealthWatch, watchHealth } from '../../support/health-watch.ts';
import type { Flavour } from '../../support/flavours.ts';
import { patientApp } from '../../support/load-app.ts';
import { freePort } from '../../support/ports.ts';
import { assertCode, type Scene, type SceneOptions } from './scene.ts';
import { createEdgeScene } from './start-first-scene.ts';

/** Of the health endpoint: shorter than any balancer's, long enough to be seen. */
export const LEAD_MS = 500;

export interface HealthScene extends Scene {
  readonly healthPort: number;
  /** Pushes and publishes a version of `web`. */
  readonly publishWeb: (tag: string) => Promise<void>;
  /** What a load balancer hears about `web`, until the test ends. */
  readonly watch: (path?: string) => HealthWatch;
}

/** A host with a health endpoint that runs the stop-first service `web` 1.0.0. */
export const createHealthScene = async (
  options: SceneOptions = {},
  flavour: Flavour = patientApp,
): Promise<HealthScene> => {
  const healthPort = await freePort();
  const env = {
    SUPERCARGO_HEALTH_LISTEN: `127.0.0.1:${String(healthPort)}`,
    SUPERCARGO_HEALTH_LEAD: `${String(LEAD_MS)}ms`,
    ...options.env,
  };
  const scene = await createEdgeScene({ ...options, env });
  const publishWeb: HealthScene['publishWeb'] = async (tag) => {
    const { pinned } = await scene.push(tag, flavour);
    await scene.publish({ web: pinned });
  };
  const ready = 'x-supercargo: {ready: {http: /ready, port: 8888}, healthy-within: 60s, drain: 500ms}';
  await scene.compose(scene.web([scene.ports, ready]));
  await publishWeb('1.0.0');
  assertCode(await scene.once(), 0);
  return {
    ...scene,
    healthPort,
    publishWeb,
    watch: (path = '/web') => {
      const watch = watchHealth({ healthPort, path, port: scene.port });
      onTestFinished(watch.stop);
      return watch;
    },
  };
};
