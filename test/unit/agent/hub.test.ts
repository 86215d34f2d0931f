import { afterEach, describe, expect, it } from 'vitest';
import { createManifestSource } from '../../../src/adapters/manifest-source/manifest-source.ts';
import { createReportStore } from '../../../src/adapters/report-store/report-store.ts';
import { createAgent, type Agent } from '../../../src/agent/agent.ts';
import { createRefresh, runDaemon, type DaemonSurroundings } from '../../../src/agent/daemon.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import { reportPath } from '../../../src/core/fleet/store-layout.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { bareManifest, createSurroundings, type Surroundings } from '../../support/agent-ports.ts';
import { eventually } from '../../support/poll.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';
import { bearer, createScene, PUBLISH, SECRET, type Scene } from '../hub/scene.ts';
import { oneHub } from '../../support/one-hub.ts';

const HOST = 'host-1';

const untilAborted = async (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

/** No poll ever comes: what the daemon learns after its start, a long poll has told it. */
const surroundings: DaemonSurroundings = {
  claim: async () => Promise.resolve(),
  schedule: () => undefined,
  watchFiles: () => () => undefined,
  watchEngine: (_onEvent, signal) => untilAborted(signal),
  onReady: () => undefined,
  onPass: () => undefined,
  isLast: () => true,
  longestSleepMs: 10,
};

interface Daemon {
  readonly agent: Agent;
  readonly host: Surroundings;
  readonly end: () => Promise<void>;
}

const startDaemon = async (hub: Scene, isLast = true): Promise<Daemon> => {
  const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
  for (const version of ['1', '2']) host.engine.registry.push(`org/web:${version}`);
  // Simulated time goes on with each look.
  const now = (): number => {
    host.engine.advance(50);
    return host.engine.now();
  };
  const ports = {
    ...host,
    now,
    source: createManifestSource({ hubs: oneHub(`${hub.url}/manifests/${ENVIRONMENT}.json`) }),
    reports: createReportStore({
      hubs: oneHub(`${hub.url}/${reportPath(ENVIRONMENT, HOST)}`),
      token: { kind: 'value', value: hostToken(SECRET, ENVIRONMENT, HOST) },
      readTls: async () => Promise.resolve({}),
    }),
  };
  const options = { environment: ENVIRONMENT, host: HOST, keepReleases: 2, edge: edgeSetting };
  const agent = createAgent(ports, options, { running: true, version: '0', pid: 1 }, false);
  const ended = new AbortController();
  await agent.open(ended.signal);
  const around = { ...surroundings, isLast: () => isLast };
  const life = runDaemon(agent, createRefresh(agent, around, ended.signal), around, ended.signal);
  return {
    agent,
    host,
    end: async () => {
      ended.abort();
      await life;
    },
  };
};

const publish = async (scene: Scene, serial: number, version: string): Promise<void> => {
  const bytes = bareManifest(serial, { web: `org/web:${version}` });
  expect((await scene.put(`/manifests/${ENVIRONMENT}.json`, bytes)).ok).toBe(true);
};
const reported = async (scene: Scene): Promise<Status | undefined> => {
  const response = await scene.get(`/${reportPath(ENVIRONMENT, HOST)}`, bearer(PUBLISH));
  return response.ok ? ((await response.json()) as Status) : undefined;
};
const isReported = async (scene: Scene, serial: number): Promise<void> => {
  await eventually(
    async () => {
      const status = await reported(scene);
      return status?.manifest.serial === serial && status.outcome === 'converged';
    },
    { everyMs: 20, describe: async () => JSON.stringify(await reported(scene)) },
  );
};

/** Reports are two seconds apart. */
describe('an agent and a hub', { timeout: 30_000 }, () => {
  let hub: Scene | undefined;
  let daemon: Daemon | undefined;
  afterEach(async () => {
    await daemon?.end();
    await hub?.end();
  });

  it('a publish starts the host without a poll, and the host answers back', async () => {
    hub = await createScene();
    await publish(hub, 1, '1');
    daemon = await startDaemon(hub);
    await isReported(hub, 1);
    await publish(hub, 2, '2');
    await isReported(hub, 2);
    const { agent, host } = daemon;
    expect(agent.follow.isFollowing()).toBe(true);
    expect(agent.status().report).toMatchObject({ message: null, sentAt: expect.any(String) as string });
    expect(host.events.filter((e) => e.event.startsWith('report.'))).toEqual([]);
  });

  it.each([
    ['ends says so', true],
    ['begins anew does not', false],
  ])('an agent that %s', async (_what, isLast) => {
    hub = await createScene();
    await publish(hub, 1, '1');
    daemon = await startDaemon(hub, isLast);
    await isReported(hub, 1);
    expect(await reported(hub)).toMatchObject({ agent: { running: true } });
    await daemon.end();
    expect(await reported(hub)).toMatchObject({
      outcome: 'converged',
      agent: { running: !isLast },
      manifest: { serial: 1 },
    });
  });

  it('a hub that is away changes nothing on the host, and is told once', async () => {
    hub = await createScene();
    await publish(hub, 1, '1');
    daemon = await startDaemon(hub);
    await isReported(hub, 1);
    await hub.stop();
    const { agent, host } = daemon;
    host.engine.byHand.stop(host.engine.actual().containers[0]?.name ?? '');
    const failures = (): number => host.events.filter((e) => e.event === 'report.failed').length;
    await eventually(() => failures() === 1 && agent.status().outcome === 'converged', {
      describe: () => JSON.stringify([failures(), agent.status()]),
    });
    expect(agent.status().report?.message).toContain('cannot send the report to');
    expect(host.engine.actual().containers.map((c) => c.state)).toEqual(['running']);
  });
});
