import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import { READS_PACE } from '../../../src/core/hub/reads-pace.ts';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import type { TurnAnswer, TurnRequest } from '../../../src/core/turns/turn-request.ts';
import type { TurnState } from '../../../src/core/turns/turn-state.ts';
import { eventually } from '../../support/poll.ts';
import { createTurnHost, pacedManifest, type TurnHost } from '../../support/turn-host.ts';
import { bearer, PUBLISH, SECRET, scene, type Scene, type SceneOptions } from './scene.ts';

export const STATE = 'turns/staging.json';
export const put = async (hub: Scene, text: string, query = ''): Promise<Response> =>
  hub.put(`/manifests/staging.json${query}`, text, { ...bearer(PUBLISH), ...READS_PACE });
export const send = async (
  hub: Scene,
  host: TurnHost,
  request: TurnRequest,
  signal?: AbortSignal,
): Promise<Response> =>
  hub.post(`/turns/staging/${host.host}`, request, bearer(hostToken(SECRET, 'staging', host.host)), signal);
export const ask = async (hub: Scene, host: TurnHost, request: TurnRequest): Promise<TurnAnswer> => {
  const answer = await send(hub, host, request);
  expect(answer.status).toBe(200);
  return (await answer.json()) as TurnAnswer;
};
export const rolloutOf = async (hub: Scene, environment = 'staging'): Promise<RolloutStatus> =>
  (await (await hub.get(`/rollouts/${environment}`, bearer(PUBLISH))).json()) as RolloutStatus;
export const stored = async (hub: Scene): Promise<TurnState> =>
  JSON.parse(await readFile(join(hub.folder, STATE), 'utf8')) as TurnState;
export const report = async (
  hub: Scene,
  ...of: [TurnHost, ...Parameters<TurnHost['report']>]
): Promise<void> => {
  const [host, ...said] = of;
  expect((await hub.report('staging', host.host, host.report(...said))).ok).toBe(true);
};
export const holds = async (hub: Scene, count: number): Promise<void> => {
  await eventually(
    async () =>
      (await (await hub.get('/metrics')).text()).includes(`supercargo_hub_held_polls ${String(count)}\n`),
    { describe: () => `${String(count)} requests are held` },
  );
};
export const states = async (hub: Scene): Promise<readonly string[]> =>
  (await rolloutOf(hub)).changes.map(({ serial, state }) => `${String(serial)} ${state}`);

/** Hosts that run version 1, and a manifest that gives them a pace. */
export const fleet = async (
  names: readonly string[],
  options: SceneOptions = {},
  pace: object = { maxParallel: 1 },
): Promise<{ readonly hub: Scene; readonly hosts: readonly TurnHost[] }> => {
  const hub = await scene(options);
  const hosts = names.map((name) => createTurnHost(name));
  await put(hub, pacedManifest('staging', 1, { web: 1 }, null));
  for (const host of hosts) await report(hub, host, 1, 'good');
  expect((await put(hub, pacedManifest('staging', 2, { web: 1 }, pace))).status).toBe(204);
  return { hub, hosts };
};

export const reaches = async (hub: Scene, state: string): Promise<void> => {
  await eventually(async () => (await states(hub)).includes(state), { describe: () => `serial ${state}` });
};
