import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { Status } from '../../src/core/status/status-document.ts';
import { appsOf, behindEdge, createEdgeScene, eventsOf } from '../engine/scenarios/start-first-scene.ts';
import { type Scene, statusOf, told } from '../engine/scenarios/scene.ts';
import type { Agent } from '../support/agent.ts';
import { type FleetHub, startHub } from '../support/fleet-hub.ts';
import { FOREIGN_LABEL } from '../support/leftovers.ts';
import { loadApp } from '../support/load-app.ts';
import { serversOf } from '../support/load-edge.ts';
import { type LoadProcess, startLoadProcess } from '../support/load.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';
import { type Registry, startRegistry } from '../support/registry.ts';
import { type Relay, startRelay } from './relay.ts';

/** A host behind whose agent everything can be taken away: each thing that it talks to is reached by way of a relay. */
export interface Stage {
  readonly scene: Scene;
  readonly engine: Relay;
  readonly manifests: Relay;
  readonly reports: Relay;
  readonly registryRelay: Relay;
  readonly registry: Registry;
  readonly hub: FleetHub;
  readonly agent: () => Agent;
  readonly restartAgent: () => Promise<void>;
  /** Pushes the next version, while everything still works. */
  readonly push: () => Promise<void>;
  /** Publishes what was pushed last to the manifest store. */
  readonly publish: () => Promise<void>;
  /** Until the agent has told of this event since the last publish. */
  readonly until: (event: string) => Promise<void>;
  readonly status: () => Promise<{ readonly code: number | null; readonly status: Status }>;
  /** Until the host has converged on the last published version, and everything is as it was before, but for the version. */
  readonly settled: () => Promise<void>;
  /** Something that is no container listens on the port of `web`, as soon as that is free. */
  readonly takePort: () => Promise<void>;
  readonly freePort: () => Promise<void>;
  /** From now on; what failed is told at the end. */
  readonly load: () => Promise<LoadProcess>;
}

const portOf = (address: string): number => Number(address.split(':')[1]);

const relayTo = async (port: number): Promise<{ relay: Relay; port: number }> => {
  const own = await freePort();
  const relay = await startRelay({ port: own, host: '127.0.0.1' }, { port, host: '127.0.0.1' });
  onTestFinished(relay.close);
  return { relay, port: own };
};

/** The agent may have started the edge again meanwhile, which ends then: the port is asked for until it is free. */
const listen = async (server: Server, port: number): Promise<void> => {
  const isListening = async (): Promise<boolean> => {
    server.listen(port);
    return Promise.race([
      once(server, 'listening').then(() => true),
      once(server, 'error').then(() => false),
    ]);
  };
  await eventually(isListening, { everyMs: 20, describe: () => `port ${String(port)} is free` });
};

const runForeign = async ({ docker, environment }: Scene, image: string): Promise<() => Promise<string>> => {
  const container = await docker.createContainer({
    Image: image,
    name: `${environment}-foreign`,
    Labels: { [FOREIGN_LABEL]: environment },
  });
  await container.start();
  return async () => {
    const { State, Id } = await container.inspect();
    return `${Id} ${State.Status} ${State.StartedAt}`;
  };
};

/** Two replicas behind the edge at version 1.0.0, a foreign container, and a daemon that has converged. */
export const createStage = async (): Promise<Stage> => {
  const registry = await startRegistry();
  onTestFinished(registry.remove);
  const toRegistry = await relayTo(portOf(registry.address));
  const hub = await startHub();
  onTestFinished(hub.remove);
  const [toManifests, toReports] = [await relayTo(hub.port), await relayTo(hub.port)];
  const scene = await createEdgeScene({ registry: { address: `127.0.0.1:${String(toRegistry.port)}` } });
  const engineSocket = join(scene.folder, 'engine.sock');
  const engine = await startRelay(
    { path: engineSocket },
    { path: inject('dockerHost').replace('unix://', '') },
  );
  onTestFinished(engine.close);
  const path = `manifests/${scene.environment}.json`;
  const env = {
    DOCKER_HOST: `unix://${engineSocket}`,
    SUPERCARGO_MANIFEST_URL: `http://127.0.0.1:${String(toManifests.port)}/${path}`,
    SUPERCARGO_REPORT_URL: `http://127.0.0.1:${String(toReports.port)}`,
    SUPERCARGO_REPORT_TOKEN: await hub.tokenOf(scene.environment, 'test-host'),
  };
  const state = { version: 0, image: '', told: 0, agent: undefined as Agent | undefined };
  const startAgent = async (): Promise<void> => {
    state.agent = await scene.agent({ env });
  };
  const tag = (): string => `1.${String(state.version)}.0`;
  const push = async (): Promise<void> => {
    state.version += 1;
    state.image = (await scene.push(tag(), loadApp)).pinned;
  };
  const publish = async (): Promise<void> => {
    state.told = (await eventsOf(scene).catch(() => [])).length;
    await scene.publish({ web: state.image });
    const answer = await hub.put(path, await readFile(scene.manifestFile, 'utf8'));
    if (answer >= 300) throw new Error(`the hub answered ${String(answer)}`);
  };
  const since = async (): Promise<readonly string[]> => (await eventsOf(scene)).slice(state.told);
  let foreign: (() => Promise<string>) | undefined;
  let foreignBefore = '';
  const whole = async (): Promise<unknown> => ({
    apps: await appsOf(scene),
    servers: (await serversOf(scene)).map((s) => `${s.backend} ${s.admin}`),
    foreign: await foreign?.(),
  });
  const isWhole = async (): Promise<boolean> => {
    const { status } = await statusOf(scene);
    const isConverged = status.outcome === 'converged' && status.services[0]?.desired?.version === tag();
    const wanted = {
      apps: [`web ${tag()} running`, `web ${tag()} running`],
      servers: ['web:8888 ready', 'web:8888 ready'],
      foreign: foreignBefore,
    };
    return isConverged && JSON.stringify(await whole()) === JSON.stringify(wanted);
  };
  const settled = async (): Promise<void> => {
    await eventually(isWhole, {
      deadlineMs: 90_000,
      everyMs: 250,
      describe: async () =>
        `all is as before, at ${tag()}: ${JSON.stringify(await whole())}\n${told(await scene.run(['status']))}`,
    });
  };
  await scene.compose(scene.web(behindEdge(scene)));
  await startAgent();
  await push();
  await publish();
  await eventually(async () => (await statusOf(scene)).status.outcome === 'converged', {
    deadlineMs: 60_000,
    describe: async () => told(await scene.run(['status'])),
  });
  foreign = await runForeign(scene, `${scene.repository()}:${tag()}`);
  foreignBefore = await foreign();
  await settled();
  const squatter = createServer((socket) => void socket.destroy());
  onTestFinished(() => void squatter.close());
  return {
    scene,
    takePort: async () => listen(squatter, scene.port),
    freePort: async () => {
      squatter.close();
      await once(squatter, 'close');
    },
    engine,
    manifests: toManifests.relay,
    reports: toReports.relay,
    registryRelay: toRegistry.relay,
    registry,
    hub,
    agent: () => {
      if (!state.agent) throw new Error('no agent was started');
      return state.agent;
    },
    restartAgent: startAgent,
    push,
    publish,
    until: async (event) => {
      await eventually(async () => (await since()).includes(event), {
        deadlineMs: 60_000,
        everyMs: 2,
        describe: async () => `${event}; so far ${(await since()).join(', ')}`,
      });
    },
    status: () => statusOf(scene),
    settled,
    load: async () => {
      const load = await startLoadProcess({ port: scene.port });
      onTestFinished(async () => void (await load.stop().catch(() => undefined)));
      return load;
    },
  };
};
