import { chown, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { BlockList } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDockerEngine } from '../../src/adapters/docker/docker-engine.ts';
import { upperHalf } from '../../src/adapters/docker/networks.ts';
import { createEdges } from '../../src/adapters/edge/edges.ts';
import { edgeCheckCommand } from '../../src/core/edge/edge-container.ts';
import { listenersOf } from '../../src/core/edge/listener.ts';
import type { EdgeConfig } from '../../src/core/edge/edge-config.ts';
import { edgeShape, renderConfig } from '../../src/core/edge/render-haproxy.ts';
import type { ImageId } from '../../src/core/image/reference.ts';
import { edgeContainerName, LABELS } from '../../src/core/docker-names.ts';
import type { CreateContainer, CreateEdge } from '../../src/core/plan/action.ts';
import type { Edges } from '../../src/core/ports/edge.ts';
import type { Engine, EngineAction } from '../../src/core/ports/engine.ts';
import type { Container, EdgeSeen } from '../../src/core/state/actual.ts';
import { codeOf, createAdapterBench, never } from '../support/adapter-bench.ts';
import { startEdgeApp } from '../support/edge-app.ts';
import { buildEdgeImage } from '../support/edge-image.ts';
import { AGENT_ID } from '../support/edge-start.ts';
import { loadImage } from '../support/images.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';
import { createOf, releaseOf } from '../support/release-of.ts';
import { NO_SOURCES } from '../support/world.ts';
import { DEFAULT_NETWORK } from '../../src/core/compose/project-model.ts';

const bench = createAdapterBench();
const { docker, environment, scope, engine, apply, observed, unique } = bench;
const EDGE_IMAGE = `${environment}-edge:runtime`;
const BACKEND = 'web:8888';
const SERVER = '0123456789ab';

let edgeImageId: ImageId;
const cleanups: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  await bench.prepare();
  edgeImageId = (await loadImage(docker, [EDGE_IMAGE], await buildEdgeImage())) as ImageId;
});
afterEach(async () => {
  await bench.clean();
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});
afterAll(async () => {
  await bench.end();
  await docker.getImage(EDGE_IMAGE).remove({ force: true });
});

const networkAction = (network: string): Extract<EngineAction, { kind: 'create-network' }> => ({
  kind: 'create-network',
  name: `${environment}_${network}`,
  network,
  hash: 'h1',
  definition: DEFAULT_NETWORK,
});
const EDGE_NETWORK = { ...networkAction('edge'), pinned: true } as const;

const networkNames = async (): Promise<readonly string[]> =>
  (await engine.observe(scope, never)).networks
    .map(({ name }) => name)
    .filter((name) => name.startsWith(environment))
    .toSorted();

/** `172.18.0.0/16` → `172.18.0.`, and the first number of what the engine may give itself. */
const edgeSubnet = async (): Promise<string> => {
  const { networks } = await engine.observe(scope, never);
  const found = networks.find(({ name }) => name === EDGE_NETWORK.name);
  expect(found?.owner).toEqual({ network: 'edge', hash: 'h1' });
  expect(found?.subnets).toHaveLength(1);
  return found?.subnets[0] ?? '';
};
const lowAddress = (subnet: string, last: number): string =>
  subnet.replace(/\d+\/\d+$/, '') + String(Number(/(\d+)\/\d+$/.exec(subnet)?.[1]) + last);

const START_FIRST = 'deploy: {update_config: {order: start-first}}';
const made = async (settings: string, changes: Partial<CreateContainer>): Promise<Container> => {
  const name = unique();
  await apply(createOf(releaseOf(settings), name, { imageId: bench.image.id as ImageId, ...changes }));
  const container = await observed(name);
  await apply({ kind: 'start', container, release: '' });
  return observed(name);
};
const onEdge = async (ip: string): Promise<Container> =>
  made(`ports: ['80:8888']\n${START_FIRST}`, { edge: { network: EDGE_NETWORK.name, ip } });

const endpointOf = ({ detail }: Container, network: string) =>
  detail?.networks.find((endpoint) => endpoint.network === network);

describe('the network of the edge', () => {
  it('gives an address that a container keeps over a restart, and the engine others', async () => {
    await apply(EDGE_NETWORK);
    await apply(EDGE_NETWORK);
    expect(await networkNames()).toEqual([EDGE_NETWORK.name]);
    const ip = lowAddress(await edgeSubnet(), 5);
    const app = await onEdge(ip);
    expect(endpointOf(app, EDGE_NETWORK.name)).toMatchObject({
      network: EDGE_NETWORK.name,
      ip,
      fixedIps: [ip],
      aliases: [],
    });
    expect(app.ports).toEqual([]);

    await apply({ kind: 'stop', container: app, graceMs: 2_000 });
    const others: string[] = [];
    for (let i = 0; i < 4; i += 1) {
      const other = await made('', { networks: { default: EDGE_NETWORK.name } });
      others.push(endpointOf(other, EDGE_NETWORK.name)?.ip ?? '');
    }
    const [base = '', bits = ''] = (upperHalf(await edgeSubnet()) ?? '').split('/');
    const upper = new BlockList();
    upper.addSubnet(base, Number(bits));
    expect(others.filter((other) => upper.check(other))).toEqual(others);
    expect(new Set(others).size).toBe(4);

    await apply({ kind: 'start', container: app, release: '' });
    expect(endpointOf(await observed(app.name), EDGE_NETWORK.name)).toMatchObject({ ip, fixedIps: [ip] });
    await docker.getContainer(app.id).restart({ t: 2 });
    expect(endpointOf(await observed(app.name), EDGE_NETWORK.name)).toMatchObject({ ip, fixedIps: [ip] });
  });

  it('is joined later at an address too', async () => {
    await apply(EDGE_NETWORK);
    const ip = lowAddress(await edgeSubnet(), 6);
    const container = await made('network_mode: bridge', {});
    const attachment = { network: 'edge', aliases: [], ipv4: ip };
    await apply({ kind: 'connect', container, network: EDGE_NETWORK.name, attachment, alias: undefined });
    const endpoint = endpointOf(await observed(container.name), EDGE_NETWORK.name);
    expect(endpoint).toMatchObject({ ip, fixedIps: [ip], aliases: [] });
  });

  it('is made although an agent died while it looked for a subnet', async () => {
    await docker.createNetwork({
      Name: `${EDGE_NETWORK.name}-trial`,
      Labels: { [LABELS.environment]: environment, [LABELS.definition]: 'trial' },
    });
    await apply(EDGE_NETWORK);
    expect(await networkNames()).toEqual([EDGE_NETWORK.name]);
  });

  it('removes no network of another maker that has the name of the one it looks at', async () => {
    const { id } = await docker.createNetwork({ Name: `${EDGE_NETWORK.name}-trial` });
    expect(await codeOf(apply(EDGE_NETWORK))).toBe('NETWORK');
    expect((await docker.listNetworks()).map((n) => n.Id)).toContain(id);
  });
});

describe('a candidate without a name', () => {
  it('is found by it only when it has joined again', async () => {
    const network = networkAction('default');
    await apply(network);
    const networks = { default: network.name };
    const asker = await made('', { networks, release: { ...releaseOf(''), service: 'asker' } });
    const ask = async () =>
      engine.run(asker.name, ['/bin/busybox', 'wget', '-q', '-O', '-', 'http://web:8888/'], never);
    const candidate = await made(START_FIRST, { networks, named: false });
    expect(endpointOf(candidate, network.name)?.aliases).toEqual([]);
    expect((await ask())?.exitCode).not.toBe(0);

    const attachment = { network: 'default', aliases: ['www'] };
    const rejoin: EngineAction = {
      kind: 'rejoin',
      container: candidate,
      network: network.name,
      attachment,
      alias: 'web',
    };
    await apply(rejoin);
    expect(endpointOf(await observed(candidate.name), network.name)?.aliases).toEqual(['web', 'www']);
    const answer = await eventually(
      async () => {
        const said = await ask();
        return said?.exitCode === 0 && said;
      },
      { describe: () => 'the candidate answers at its name' },
    );
    expect(answer.output.trim()).toBe('1.0.0');

    // Killed between leaving and joining.
    await docker.getNetwork(network.name).disconnect({ Container: candidate.id });
    await apply(rejoin);
    await apply(rejoin);
    expect(endpointOf(await observed(candidate.name), network.name)?.aliases).toEqual(['web', 'www']);
  });
});

describe('a program run in a container', () => {
  it('has an exit code and words; there is none where nothing runs', async () => {
    const container = await made('network_mode: none', {});
    const sh = async (words: string) => engine.run(container.name, ['/bin/sh', '-c', words], never);
    expect(await sh('echo out; echo err >&2; exit 3')).toMatchObject({ exitCode: 3 });
    expect((await sh('echo err >&2'))?.output).toBe('err\n');
    expect((await engine.run(container.id, ['/nope'], never))?.exitCode).not.toBe(0);
    await apply({ kind: 'stop', container, graceMs: 2_000 });
    expect(await sh('true')).toBeUndefined();
    expect(await engine.run(unique(), ['true'], never)).toBeUndefined();
  });
});

const answerAt = async (port: number): Promise<string> =>
  (await fetch(`http://127.0.0.1:${String(port)}/`, { headers: { connection: 'close' } })).text();

const configOf = (instance: string, hostPort: number, address: string, port: number): EdgeConfig => ({
  environment,
  instance,
  mode: 'host',
  agentUid: AGENT_ID,
  hasIpv6: false,
  trustedProxies: [],
  longestDrainMs: 30_000,
  frontends: [{ hostAddress: '127.0.0.1', hostPort, protocol: 'http', backend: BACKEND }],
  backends: [{ name: BACKEND, protocol: 'http', servers: [{ name: SERVER, address, port, state: 'ready' }] }],
});
const createAction = (config: EdgeConfig, changes: Partial<CreateEdge> = {}): CreateEdge => ({
  kind: 'create-edge',
  name: edgeContainerName(environment, config.instance),
  instance: config.instance,
  shape: edgeShape(config),
  imageId: edgeImageId,
  predecessor: undefined,
  frontends: config.frontends,
  mode: config.mode,
  network: EDGE_NETWORK.name,
  ports: [],
  ...changes,
});

describe('an edge', () => {
  let folder: string;
  let checks: (number | undefined)[];
  let host: Engine;
  let edges: Edges;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'supercargo-edges-'));
    cleanups.push(async () => rm(folder, { recursive: true }));
    checks = [];
    host = createDockerEngine({ kind: 'unix', socketPath: bench.socketPath }, NO_SOURCES, {
      folder,
      uid: AGENT_ID,
      gid: AGENT_ID,
    });
    edges = createEdges({
      folder,
      check: async (instance, signal) => {
        const result = await host.run(edgeContainerName(environment, instance), edgeCheckCommand, signal);
        checks.push(result?.exitCode);
        return result;
      },
    });
  });

  const write = async (config: EdgeConfig): Promise<void> => {
    await edges.apply({ kind: 'edge-write', instance: config.instance, config }, never);
    // Written by root here; the agent's own files have its group.
    const path = join(folder, 'config', config.instance, 'haproxy.cfg');
    await chown(path, AGENT_ID, AGENT_ID);
  };
  const seen = async (instance: string): Promise<EdgeSeen> => {
    const found = (await edges.observe([instance], undefined, never)).edges[0];
    if (found === undefined) throw new Error(`${instance} was not looked at`);
    return found;
  };
  const untilUp = async ({ instance }: EdgeConfig): Promise<EdgeSeen> =>
    eventually(
      async () => {
        const edge = await seen(instance);
        return edge.state?.servers.every(({ check }) => check === 'L4OK') === true && edge;
      },
      {
        describe: async () => {
          const container = await observed(edgeContainerName(environment, instance));
          const lines = await host.lastLines(container.id, 10, never);
          return `${instance} (${container.state}) serves; its log:\n${lines.join('\n')}`;
        },
      },
    );
  const raise = async (config: EdgeConfig, changes: Partial<CreateEdge> = {}): Promise<Container> => {
    await write(config);
    const create = createAction(config, changes);
    await apply(create, host);
    await apply(create, host);
    const container = await observed(create.name);
    await apply({ kind: 'start', container, release: '' }, host);
    await untilUp(config);
    return observed(create.name);
  };

  it('is made, answers, and checks its next file where it runs', async () => {
    const app = await startEdgeApp('app');
    cleanups.push(app.kill);
    const port = await freePort();
    const config = configOf('e1', port, '127.0.0.1', app.port);
    const container = await raise(config);
    expect(container).toMatchObject({
      state: 'running',
      owner: undefined,
      otherEnvironment: undefined,
      edge: { instance: 'e1', shape: edgeShape(config) },
      detail: { restart: { name: 'always' } },
    });
    expect(await answerAt(port)).toBe('app');
    const { state, written } = await seen('e1');
    expect(state).toMatchObject({ environment, shape: edgeShape(config), isLeaving: false });
    expect(written?.text).toBe(renderConfig(config));
    for (const name of ['e1.runtime.sock', 'e1.master.sock'])
      expect((await stat(join(folder, 'run', name))).uid).toBe(AGENT_ID);

    await write({ ...config, longestDrainMs: 60_000 });
    expect(checks).toEqual([undefined, 0]);
    await writeFile(join(folder, 'config', 'e1', 'haproxy.cfg.new'), 'global\n  nonsense\n');
    const refusal = await host.run(container.name, edgeCheckCommand, never);
    expect(refusal?.exitCode).toBe(1);
    expect(refusal?.output).toContain("unknown keyword 'nonsense'");
  });

  it('is followed by another one, leaves, and is discarded', async () => {
    const app = await startEdgeApp('app');
    cleanups.push(app.kill);
    const port = await freePort();
    const first = await raise(configOf('e1', port, '127.0.0.1', app.port));
    await raise(configOf('e2', port, '127.0.0.1', app.port), { predecessor: 'e1' });
    await apply({ kind: 'leave-edge', container: first }, host);
    const ended = await eventually(
      async () => {
        const container = await observed(first.name);
        return container.state === 'exited' && container;
      },
      {
        describe: async () => {
          const { state, detail } = await observed(first.name);
          const restarts = String(detail?.restartCount);
          return `the first one ends; it is ${state}, and was started again ${restarts} times`;
        },
      },
    );
    await apply({ kind: 'leave-edge', container: ended }, host);
    expect((await seen('e1')).state).toBeUndefined();
    expect(await answerAt(port)).toBe('app');

    await apply({ kind: 'remove', container: ended }, host);
    await apply({ kind: 'leave-edge', container: ended }, host);
    await edges.apply({ kind: 'edge-discard', keep: ['e2'] }, never);
    expect(await readdir(join(folder, 'config'))).toEqual(['e2']);
    expect((await readdir(join(folder, 'run'))).toSorted()).toEqual(['e2.master.sock', 'e2.runtime.sock']);
  });

  it('on a bridge is published by the engine, and reaches a container at its fixed address', async () => {
    await apply(EDGE_NETWORK);
    const ip = lowAddress(await edgeSubnet(), 5);
    await onEdge(ip);
    const hostPort = await freePort();
    const config: EdgeConfig = { ...configOf('e1', hostPort, ip, 8888), mode: 'publish' };
    const ports = listenersOf(config).map(({ frontend, port }) => ({
      hostAddress: frontend.hostAddress,
      hostPort: frontend.hostPort,
      containerPort: port,
    }));
    const container = await raise(config, { ports });
    expect(container.ports).toEqual([{ hostAddress: '127.0.0.1', hostPort, protocol: 'tcp' }]);
    expect((await answerAt(hostPort)).trim()).toBe('1.0.0');
    expect(endpointOf(container, EDGE_NETWORK.name)?.fixedIps).toBeUndefined();
  });
});
