/**
 * npm run bench              what a deploy by the agent costs beside the same calls straight at the Docker API
 * npm run bench -- --json    the same as JSON
 * npm run bench -- --rounds 20
 * Both sides take turns in one run on the same engine and registry; medians, with the extremes.
 */
import type Docker from 'dockerode';
import { parseArgs } from 'node:util';
import type { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import { ensureEngine } from '../test/support/engine.ts';
import { flavours } from '../test/support/flavours.ts';
import { createTestHost, type TestHost } from '../test/support/host.ts';
import { createImagePusher, type PushedImage, pullImage, removeImagesOf } from '../test/support/images.ts';
import { freePort } from '../test/support/ports.ts';
import { startRegistry, type Registry } from '../test/support/registry.ts';
import { buildBundle } from './build.ts';

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, rounds: { type: 'string', default: '9' } },
});
const rounds = Math.max(5, Number(values.rounds));

interface Bench {
  readonly docker: Docker;
  readonly registry: Registry;
  readonly host: TestHost;
  readonly ports: { readonly agent: number; readonly api: number };
  readonly network: string;
}

/**
 * Nobody asks before the engine says that the container has started: a client that knocks while the engine wires the
 * network makes the kernel look for an address that is not there yet, and wait a second before it looks again. That
 * second would be the client's doing, on either side.
 */
const untilServes = async (port: number, version: string): Promise<void> => {
  const end = performance.now() + 30_000;
  while (performance.now() < end) {
    const signal = AbortSignal.timeout(60);
    const answer = await fetch(`http://127.0.0.1:${String(port)}/`, {
      signal,
      headers: { connection: 'close' },
    })
      .then((response) => response.text())
      .catch(() => '');
    if (answer.trimEnd() === version) return;
    await sleep(5);
  }
  throw new Error(`port ${String(port)} never answered ${version}`);
};

/** Settles at the next start of a container of the environment. Opened before the deploy begins. */
const nextStart = async (
  docker: Docker,
  environment: string,
): Promise<{ readonly started: Promise<void> }> => {
  const filters = { event: ['start'], label: [`io.supercargo.environment=${environment}`] };
  const stream = (await docker.getEvents({ filters: JSON.stringify(filters) })) as unknown as Readable;
  const started = new Promise<void>((resolve) => {
    stream.once('data', () => {
      stream.destroy();
      resolve();
    });
  });
  return { started };
};

const timed = async (work: () => Promise<void>): Promise<number> => {
  const started = performance.now();
  await work();
  return performance.now() - started;
};

/** What a script would do that knows the API: pull, create, stop the old one, start the new one. */
const createApiDeployer = ({ docker, ports, network }: Bench) => {
  const state: { old: Docker.Container | undefined } = { old: undefined };
  return {
    deploy: async (image: PushedImage, version: string): Promise<void> => {
      await pullImage(docker, image.ref);
      const created = await docker.createContainer({
        Image: image.ref,
        Env: ['NODE_ENV=bench'],
        ExposedPorts: { '8888/tcp': {} },
        HostConfig: {
          NetworkMode: network,
          PortBindings: { '8888/tcp': [{ HostIp: '127.0.0.1', HostPort: String(ports.api) }] },
          RestartPolicy: { Name: 'always' },
        },
      });
      await state.old?.stop({ t: 5 });
      await created.start();
      await untilServes(ports.api, version);
      await state.old?.remove();
      state.old = created;
    },
    end: async (): Promise<void> => {
      await state.old?.remove({ force: true });
    },
  };
};

const composeText = (registry: Registry, port: number): string => `
services:
  web:
    image: ${registry.address}/org/web
    ports: ['127.0.0.1:${String(port)}:8888']
    environment: { NODE_ENV: bench }
    restart: always
    stop_grace_period: 5s
    deploy: { update_config: { monitor: 1s } }
`;

const measure = async (bench: Bench): Promise<{ agent: number[]; api: number[] }> => {
  const { push } = createImagePusher();
  const { host, registry, ports } = bench;
  const api = createApiDeployer(bench);
  const times = { agent: [] as number[], api: [] as number[] };
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const version = `1.${String(round)}.0`;
      const forAgent = await push(registry, 'org/web', version, flavours.web);
      const forApi = await push(registry, 'org/other', version, flavours.web);
      const apiMs = await timed(() => api.deploy(forApi, version));
      const { started } = await nextStart(bench.docker, host.environment);
      const agentMs = await timed(async () => {
        await host.publish({ web: forAgent.ref });
        await started;
        await untilServes(ports.agent, version);
      });
      // What follows the answer (health gate, clean-up) is no part of the next round.
      await host.run(['sync', '--wait']);
      // The first deploy on each side replaces nothing.
      if (round === 0) continue;
      times.api.push(apiMs);
      times.agent.push(agentMs);
    }
  } finally {
    await api.end();
  }
  return times;
};

const summary = (times: readonly number[]): { median: number; min: number; max: number } => {
  const sorted = times.toSorted((a, b) => a - b);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? 0, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
};

const main = async (): Promise<void> => {
  await buildBundle();
  const engine = await ensureEngine({ say: values.json ? () => undefined : console.log });
  const registry = await startRegistry();
  const { docker } = engine;
  const host = await createTestHost({
    dockerHost: engine.dockerHost,
    docker,
    env: { SUPERCARGO_LOG_LEVEL: 'info' },
  });
  const network = await docker.createNetwork({ Name: `bench-${host.environment}` });
  try {
    const ports = { agent: await freePort(), api: await freePort() };
    await host.compose(composeText(registry, ports.agent));
    await host.publish({});
    await host.agent();
    report(await measure({ docker, registry, host, ports, network: network.id }));
  } finally {
    await host.cleanup();
    await network.remove();
    await removeImagesOf(docker, registry);
    await registry.remove();
    await engine.release();
  }
};

const ms = (value: number): string => `${value.toFixed(0)} ms`.padStart(9);

const line = (name: string, s: { median: number; min: number; max: number }): string =>
  `${name.padEnd(46)} ${ms(s.median)} ${ms(s.min)} ${ms(s.max)}`;

const report = (times: { agent: readonly number[]; api: readonly number[] }): void => {
  const [agent, api] = [summary(times.agent), summary(times.api)];
  const ratio = agent.median / api.median;
  if (values.json) {
    console.log(
      JSON.stringify({
        name: 'new tag desired to new container answers',
        unit: 'ms',
        rounds,
        agent,
        api,
        ratio,
      }),
    );
    return;
  }
  console.log(`\n${'new tag desired → new container answers'.padEnd(46)}    median       min       max`);
  console.log(line('  supercargo', agent));
  console.log(line('  pull, create, stop, start at the Docker API', api));
  console.log(
    `  ratio of medians ${ratio.toFixed(2)} over ${String(rounds)} rounds (goal 1.15, at most 1.25)`,
  );
};

await main();
