import type Docker from 'dockerode';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, onTestFinished } from 'vitest';
import { tryAnswer } from '../../support/answer.ts';
import { sharedDocker } from '../../support/context.ts';
import { buildEdgeImage } from '../../support/edge-image.ts';
import { loadImage, type PushedImage } from '../../support/images.ts';
import { type LoadReport, mergeReports, startLoadProcess } from '../../support/load.ts';
import type { Flavour } from '../../support/flavours.ts';
import { loadApp } from '../../support/load-app.ts';
import { createNamespace } from '../../support/load-namespace.ts';
import { assertCode, containersOf, createScene, type Scene, type SceneOptions, statusOf } from './scene.ts';

/** Long enough for slow answers, short enough for a test. */
export const DRAIN_MS = 2_000;

export interface StartFirstOptions {
  readonly replicas?: number;
  readonly port?: number;
  readonly monitorMs?: number;
  readonly healthyWithin?: string;
}

/** The lines of a service behind the edge that is judged fast. */
export const behindEdge = (
  scene: Scene,
  { replicas = 2, port = scene.port, monitorMs = 1_000, healthyWithin = '20s' }: StartFirstOptions = {},
) => [
  `ports: [{target: 8888, published: "${String(port)}", app_protocol: http}]`,
  `deploy: {replicas: ${String(replicas)}, update_config: {order: start-first, monitor: ${String(monitorMs)}ms, parallelism: 0}}`,
  `x-supercargo: {drain: ${String(DRAIN_MS)}ms, ready: {http: /ready, port: 8888}, healthy-within: ${healthyWithin}}`,
  'stop_grace_period: 3s',
];

/** Once a test; the tag goes with it. */
export const loadEdgeImage = async (tag: string, docker: Docker = sharedDocker()): Promise<string> => {
  const name = `supercargo-edge-test:${tag}`;
  await loadImage(docker, [name], await buildEdgeImage());
  onTestFinished(async () => {
    await docker.getImage(name).remove({ force: true });
  });
  return name;
};

/** A scene whose engine has an edge image. */
export const createEdgeScene = async (options: SceneOptions = {}): Promise<Scene> => {
  // Registered first, hence removed last: after the edge that runs it.
  const image = await loadEdgeImage(String(process.hrtime.bigint()), options.docker);
  return createScene({ ...options, env: { SUPERCARGO_EDGE_IMAGE: image, ...options.env } });
};

export const publishApp = async (
  scene: Scene,
  tag: string,
  flavour: Parameters<Scene['push']>[1] = loadApp,
): Promise<PushedImage> => {
  const image = await scene.push(tag, flavour);
  await scene.publish({ web: image.pinned });
  return image;
};

/** `web` 1.0.0 behind the edge. */
export const deployedBehindEdge = async (scene: Scene, lines = behindEdge(scene)): Promise<PushedImage> => {
  const image = await scene.push('1.0.0', loadApp);
  await scene.compose(scene.web(lines));
  await scene.publish({ web: image.pinned });
  assertCode(await scene.once(), 0);
  return image;
};

export interface SceneLoad {
  readonly stop: () => Promise<LoadReport>;
}

/** Each request is a process in the container. */
const PAUSE_MS = 25;

/** From this machine and from another network; ends with the test at the latest. */
export const loadFromBothSides = async (port: number): Promise<SceneLoad> => {
  const namespace = await createNamespace();
  const state: { stopped: Promise<LoadReport> | undefined } = { stopped: undefined };
  const loads = await Promise.all([
    startLoadProcess({ port, pauseMs: PAUSE_MS }),
    startLoadProcess({ port, host: namespace.hostAddress, namespace: namespace.name, pauseMs: PAUSE_MS }),
  ]).catch(async (error: unknown) => {
    await namespace.remove();
    throw error;
  });
  const end = async (): Promise<LoadReport> => {
    const reports = await Promise.all(loads.map(async (load) => load.stop()));
    await namespace.remove();
    return mergeReports(reports);
  };
  const stop = async (): Promise<LoadReport> => (state.stopped ??= end());
  onTestFinished(async () => void (await stop()));
  return { stop };
};

/** Without the edge. */
export const appsOf = async (scene: Scene): Promise<readonly string[]> =>
  (await containersOf(scene))
    .filter((c) => c.service !== '')
    .map((c) => `${c.service} ${c.version} ${c.state}`);

/** A candidate that is given up, under load. */
export const deployBad = async (
  flavour: Flavour,
  reason: string,
  options?: StartFirstOptions,
): Promise<LoadReport> => {
  const scene = await createEdgeScene();
  await deployedBehindEdge(scene, behindEdge(scene, options));
  const before = await appsOf(scene);
  const load = await loadFromBothSides(scene.port);
  await publishApp(scene, '1.1.0', flavour);
  assertCode(await scene.once(), 3);
  const report = await load.stop();
  expect(await appsOf(scene)).toEqual(before);
  expect(await tryAnswer(scene.port)).toBe('1.0.0');
  const { code, status } = await statusOf(scene);
  expect({ code, service: status.services[0] }).toMatchObject({
    code: 3,
    service: { service: 'web', outcome: 'rolled-back', failure: { reason } },
  });
  return report;
};

interface HistoryLine {
  readonly at: string;
  readonly event: string;
  readonly to?: string;
}

/** A line that is being written does not count yet. */
export const historyOf = async (scene: Scene): Promise<readonly HistoryLine[]> => {
  const text = await readFile(join(scene.stateDir, 'history.jsonl'), 'utf8');
  const whole = text.slice(0, text.lastIndexOf('\n'));
  return whole.split('\n').map((line) => JSON.parse(line) as HistoryLine);
};

export const eventsOf = async (scene: Scene): Promise<readonly string[]> =>
  (await historyOf(scene)).map(({ event }) => event);
