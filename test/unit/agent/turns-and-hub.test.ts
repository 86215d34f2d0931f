import { afterEach, describe, expect, it } from 'vitest';
import { createManifestSource } from '../../../src/adapters/manifest-source/manifest-source.ts';
import { createReportStore } from '../../../src/adapters/report-store/report-store.ts';
import { createTurnSource } from '../../../src/adapters/report-store/turn-source.ts';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import { createRefresh, runDaemon, type DaemonSurroundings } from '../../../src/agent/daemon.ts';
import { reportPath, rolloutPath, turnPath } from '../../../src/core/fleet/store-layout.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import { bareManifest, createSurroundings } from '../../support/agent-ports.ts';
import { eventually } from '../../support/poll.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';
import { bearer, createScene, PUBLISH, SECRET, type Scene } from '../hub/scene.ts';
import { oneHub } from '../../support/one-hub.ts';

const HOSTS = ['host-1', 'host-2', 'host-3'] as const;
const COMPOSE = 'services: { web: { image: org/web, restart: always } }';
const PACE = { pace: { maxParallel: 1 } };

const untilAborted = async (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

interface Daemon {
  readonly agent: Agent;
  readonly end: () => Promise<void>;
}

/** Of all hosts: the services that are switching now. */
type Switching = Map<string, boolean>;

const startDaemon = async (hub: Scene, name: string, onPass: (status: Status) => void): Promise<Daemon> => {
  const host = createSurroundings(COMPOSE);
  for (const version of ['1', '2']) host.engine.registry.push(`org/web:${version}`);
  host.engine.registry.push('org/web:bad', { exits: 1 });
  const now = (): number => {
    host.engine.advance(50);
    return host.engine.now();
  };
  const access = {
    token: { kind: 'value', value: hostToken(SECRET, ENVIRONMENT, name) },
    readTls: async () => Promise.resolve({}),
  } as const;
  const ports = {
    ...host,
    now,
    source: createManifestSource({ hubs: oneHub(`${hub.url}/manifests/${ENVIRONMENT}.json`) }),
    reports: createReportStore({ hubs: oneHub(`${hub.url}/${reportPath(ENVIRONMENT, name)}`), ...access }),
    turns: createTurnSource({ hubs: oneHub(`${hub.url}/${turnPath(ENVIRONMENT, name)}`), ...access }),
  };
  const options = { environment: ENVIRONMENT, host: name, keepReleases: 2, edge: edgeSetting };
  const agent = createAgent(ports, options, { running: true, version: '0', pid: 1 }, false);
  const ended = new AbortController();
  await agent.open(ended.signal);
  const around: DaemonSurroundings = {
    claim: async () => Promise.resolve(),
    schedule: () => undefined,
    watchFiles: () => () => undefined,
    watchEngine: (_onEvent, signal) => untilAborted(signal),
    onReady: () => undefined,
    onPass,
    isLast: () => true,
    longestSleepMs: 10,
  };
  const life = runDaemon(agent, createRefresh(agent, around, ended.signal), around, ended.signal);
  return {
    agent,
    end: async () => {
      ended.abort();
      await life;
    },
  };
};

const publish = async (scene: Scene, serial: number, version: string, extra: object = {}): Promise<void> => {
  const bytes = bareManifest(serial, { web: `org/web:${version}` }, extra);
  const answer = await scene.put(`/manifests/${ENVIRONMENT}.json`, bytes);
  expect([answer.ok, answer.ok ? '' : await answer.text()]).toEqual([true, '']);
};

const rolloutOf = async (scene: Scene): Promise<RolloutStatus> => {
  const response = await scene.get(`/${rolloutPath(ENVIRONMENT)}`, bearer(PUBLISH));
  return (await response.json()) as RolloutStatus;
};

const webOf = ({ agent }: Daemon): unknown => {
  const [web] = agent.status().services;
  return [web?.outcome, web?.reason, web?.desired?.version, web?.containers[0]?.version];
};

describe('three hosts that take turns at a hub', { timeout: 60_000 }, () => {
  let hub: Scene | undefined;
  let daemons: readonly Daemon[] = [];
  afterEach(async () => {
    await Promise.all(daemons.map(async (d) => d.end()));
    await hub?.end();
  });

  const start = async (): Promise<{ scene: Scene; most: () => number }> => {
    const scene = await createScene();
    hub = scene;
    await publish(scene, 1, '1');
    const switching: Switching = new Map();
    let most = 0;
    const started: Daemon[] = [];
    daemons = started;
    for (const name of HOSTS)
      started.push(
        await startDaemon(scene, name, ({ manifest: { serial }, services }) => {
          switching.set(name, serial !== 1 && services[0]?.switching?.state === 'begun');
          most = Math.max(most, [...switching.values()].filter(Boolean).length);
        }),
      );
    const isGood = async (): Promise<boolean> => {
      const { tooOld } = await rolloutOf(scene);
      const list = await scene.get(`/reports/${ENVIRONMENT}`, bearer(PUBLISH));
      const { hosts } = (await list.json()) as { hosts: { status: Status }[] };
      return tooOld.length === 0 && hosts.filter((h) => h.status.outcome === 'converged').length === 3;
    };
    await eventually(isGood, { everyMs: 50, describe: () => JSON.stringify(daemons.map(webOf)) });
    return { scene, most: () => most };
  };

  it('go one after the other, until the change is finished', async () => {
    const { scene, most } = await start();
    await publish(scene, 2, '2', PACE);
    await eventually(
      async () => {
        const { changes, holders } = await rolloutOf(scene);
        return changes[0]?.state === 'finished' && holders.length === 0;
      },
      {
        everyMs: 50,
        deadlineMs: 45_000,
        describe: async () => JSON.stringify([await rolloutOf(scene), daemons.map(webOf)]),
      },
    );
    expect(daemons.map(webOf)).toEqual(HOSTS.map(() => ['converged', null, '2', '2']));
    expect(most()).toBe(1);
  });

  it('stop after the first failure: the others wait, and name the host', async () => {
    const { scene, most } = await start();
    await publish(scene, 2, 'bad', PACE);
    const outcomes = (): readonly string[] =>
      daemons.map((d) => String((webOf(d) as unknown[])[0])).toSorted();
    await eventually(() => outcomes().join() === 'rolled-back,waiting,waiting', {
      everyMs: 50,
      deadlineMs: 45_000,
      describe: async () => JSON.stringify([await rolloutOf(scene), daemons.map(webOf)]),
    });
    const halted = (): boolean =>
      daemons.filter(({ agent }) => agent.status().services[0]?.reason === 'halted').length === 2;
    await eventually(halted, { everyMs: 50, describe: () => JSON.stringify(daemons.map(webOf)) });
    const failed = HOSTS.find((_, n) => (webOf(daemons[n] as Daemon) as unknown[])[0] === 'rolled-back');
    const waiting = daemons.find(({ agent }) => agent.status().outcome === 'waiting');
    expect(waiting?.agent.status().services[0]?.message).toContain(failed);
    expect(most()).toBe(1);
  });
});
