import type Docker from 'dockerode';
import { setTimeout as sleep } from 'node:timers/promises';
import { FOREIGN_LABEL } from '../test/support/leftovers.ts';
import type { TestHost } from '../test/support/host.ts';
import { createImagePusher, type PushedImage, pullImage } from '../test/support/images.ts';
import { loadApp } from '../test/support/load-app.ts';
import { freePort } from '../test/support/ports.ts';
import type { Registry } from '../test/support/registry.ts';
import { edgeService, untilConverged } from './switch-load.ts';

/** In milliseconds, one for each deploy. */
export interface Gaps {
  readonly removeAndRun: readonly number[];
  readonly stopFirst: readonly number[];
  readonly startFirst: readonly number[];
}

/**
 * A client that is cut off by the engine's wiring would wait a second for its own kernel: it gives up sooner.
 */
const answers = async (port: number): Promise<boolean> =>
  fetch(`http://127.0.0.1:${String(port)}/`, {
    signal: AbortSignal.timeout(60),
    headers: { connection: 'close' },
  }).then(
    async (response) => (await response.text()) !== '' && response.ok,
    () => false,
  );

/** The longest time between two answers while `deploy` goes on. */
const gapOf = async (port: number, deploy: () => Promise<unknown>): Promise<number> => {
  const state = { isOver: false, lastMs: performance.now(), longestMs: 0 };
  const watching = (async () => {
    for (let isAnswered = false; !(state.isOver && isAnswered); await sleep(2)) {
      isAnswered = await answers(port);
      if (!isAnswered) continue;
      const nowMs = performance.now();
      state.longestMs = Math.max(state.longestMs, nowMs - state.lastMs);
      state.lastMs = nowMs;
    }
  })();
  try {
    await deploy();
  } finally {
    state.isOver = true;
    await watching;
  }
  return state.longestMs;
};

/** What the old tool does, once the image is here: remove, create, start. */
const createOldTool = (docker: Docker, environment: string, port: number) => {
  const name = `${environment}-old-tool`;
  return async (image: PushedImage): Promise<void> => {
    await docker
      .getContainer(name)
      .remove({ force: true })
      .catch(() => undefined);
    const created = await docker.createContainer({
      name,
      Image: image.ref,
      Labels: { [FOREIGN_LABEL]: environment },
      ExposedPorts: { '8888/tcp': {} },
      HostConfig: {
        PortBindings: { '8888/tcp': [{ HostPort: String(port) }] },
        RestartPolicy: { Name: 'always' },
      },
    });
    await created.start();
  };
};

const stopFirst = (image: string, port: number): string => `
  direct:
    image: ${image}
    restart: always
    stop_grace_period: 3s
    ports: ["${String(port)}:8888"]
    deploy: { update_config: { order: stop-first, monitor: 1s } }
    x-supercargo: { ready: { http: /ready, port: 8888 } }`;

export const measureGaps = async (options: {
  readonly host: TestHost;
  readonly registry: Registry;
  readonly rounds: number;
}): Promise<Gaps> => {
  const { host, registry, rounds } = options;
  const { push } = createImagePusher();
  const ports = { old: await freePort(), direct: await freePort(), edge: await freePort() };
  const runOld = createOldTool(host.docker, host.environment, ports.old);
  const at = (name: string): string => `${registry.address}/org/${name}`;
  await host.compose(
    `services:${stopFirst(at('direct'), ports.direct)}${edgeService('edge', at('edge'), ports.edge, 1)}\n`,
  );
  await host.publish({});
  await host.agent();
  const gaps = { removeAndRun: [] as number[], stopFirst: [] as number[], startFirst: [] as number[] };
  const current = { direct: '', edge: '' };
  for (let round = 0; round <= rounds; round += 1) {
    const tag = `1.${String(round)}.0`;
    const image = async (name: string): Promise<PushedImage> => push(registry, `org/${name}`, tag, loadApp);
    const old = await image('old');
    await pullImage(host.docker, old.ref);
    const next = { direct: (await image('direct')).pinned, edge: (await image('edge')).pinned };
    const deploy = async (name: keyof typeof current): Promise<void> => {
      current[name] = next[name];
      const known = Object.entries(current).filter(([, version]) => version !== '');
      await host.publish(Object.fromEntries(known));
      await untilConverged(host);
    };
    // The first of each kind replaces nothing.
    if (round === 0) {
      await runOld(old);
      current.direct = next.direct;
      await deploy('edge');
      continue;
    }
    gaps.removeAndRun.push(await gapOf(ports.old, async () => runOld(old)));
    gaps.stopFirst.push(await gapOf(ports.direct, async () => deploy('direct')));
    gaps.startFirst.push(await gapOf(ports.edge, async () => deploy('edge')));
  }
  return gaps;
};
