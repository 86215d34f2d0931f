import { describe, expect, it } from 'vitest';
import { createAgent } from '../../../src/agent/agent.ts';
import { createRefresh, runDaemon, type DaemonSurroundings } from '../../../src/agent/daemon.ts';
import { createSurroundings } from '../../support/agent-ports.ts';
import { eventually } from '../../support/poll.ts';
import { ENVIRONMENT, edgeSetting } from '../../support/world.ts';

const untilAborted = async (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    signal.addEventListener('abort', () => resolve(), { once: true });
  });

describe('a daemon', () => {
  it.each<[string, DaemonSurroundings['watchEngine']]>([
    ['says nothing any more', (_onEvent, signal) => untilAborted(signal)],
    ['cannot be opened', async () => Promise.reject(new Error('no events'))],
  ])('repairs drift although the stream of events %s: it looks all the same', async (_what, watchEngine) => {
    const host = createSurroundings('services: { web: { image: org/web, restart: always } }');
    host.engine.registry.push('org/web:1');
    host.publish(1, { web: 'org/web:1' });
    const options = { environment: ENVIRONMENT, host: 'host-1', keepReleases: 2, edge: edgeSetting };
    // Simulated time goes on with each look.
    const now = (): number => {
      host.engine.advance(50);
      return host.engine.now();
    };
    const agent = createAgent({ ...host, now }, options, { running: true, version: '0', pid: 1 }, false);
    const ended = new AbortController();
    const surroundings: DaemonSurroundings = {
      claim: async () => Promise.resolve(),
      schedule: () => undefined,
      watchFiles: () => () => undefined,
      watchEngine,
      onReady: () => undefined,
      onPass: () => undefined,
      isLast: () => false,
      longestSleepMs: 10,
    };
    await agent.open(ended.signal);
    const refresh = createRefresh(agent, surroundings, ended.signal);
    const life = runDaemon(agent, refresh, surroundings, ended.signal);
    const state = (): string | undefined => host.engine.actual().containers[0]?.state;
    const isConverged = (): boolean => state() === 'running' && agent.status().outcome === 'converged';
    const describeIt = (): string => JSON.stringify(agent.status().services);
    await eventually(isConverged, { deadlineMs: 4_000, everyMs: 5, describe: describeIt });
    host.engine.byHand.stop(host.engine.actual().containers[0]?.name ?? '');
    expect(state()).toBe('exited');
    await eventually(isConverged, { deadlineMs: 4_000, everyMs: 5, describe: describeIt });
    ended.abort();
    await life;
  });
});
