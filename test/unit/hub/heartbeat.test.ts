import { describe, expect, it } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { eventually } from '../../support/poll.ts';
import { startReportingAgent } from '../../support/reporting-agent.ts';
import { type Scene, scene } from './scene.ts';

const held = async (hub: Scene, count: number): Promise<void> => {
  await eventually(
    async () =>
      (await (await hub.get('/metrics')).text()).includes(`supercargo_hub_held_polls ${String(count)}\n`),
    { describe: () => `${String(count)} polls are held` },
  );
};

/** Two reports of one agent, a minute apart, in which nothing has happened. */
const heartbeat = async (): Promise<{
  path: string;
  first: Status;
  second: Status;
  send: (hub: Scene, status: Status) => Promise<void>;
}> => {
  const agent = await startReportingAgent();
  const first = agent.report();
  await agent.passMinute();
  return {
    path: `/reports/${agent.environment}`,
    first,
    second: agent.report(),
    send: async (hub, status) => {
      expect((await hub.report(agent.environment, agent.host, status)).ok).toBe(true);
    },
  };
};

describe('a heartbeat as the agent makes it', () => {
  it('differs from the report before it in times and in how reporting goes', async () => {
    const { first, second } = await heartbeat();
    expect(first.outcome).toBe('converged');
    expect(second.at).not.toBe(first.at);
    expect(second.manifest.source.checkedAt).not.toBe(first.manifest.source.checkedAt);
    expect(second.report?.sentAt).not.toBe(first.report?.sentAt);
  });

  it('wakes no reader of the list, and is no event for the page', async () => {
    const hub = await scene();
    const { path, first, second, send } = await heartbeat();
    await send(hub, first);
    const gone = new AbortController();
    const stream = await fetch(`${hub.url}/events`, { signal: gone.signal });
    const reader = stream.body?.pipeThrough(new TextDecoderStream()).getReader();
    expect((await reader?.read())?.value).toBe('retry: 2000\n\n');
    const tag = (await hub.get(path)).headers.get('etag') ?? '';
    const poll = hub.get(path, { 'if-none-match': tag, prefer: 'wait=300' });
    await held(hub, 1);
    await send(hub, second);
    await held(hub, 1);
    // What really is news comes next, and is the first that the page hears of.
    await send(hub, { ...second, outcome: 'blocked' });
    expect((await (await poll).json()) as object).toMatchObject({
      hosts: [{ status: { outcome: 'blocked' } }],
    });
    expect((await reader?.read())?.value).toBe('event: change\ndata: {"environment":"test"}\n\n');
    gone.abort();
  });

  it('still counts as a sign of life', async () => {
    let nowMs = Date.parse('2026-11-23T10:00:00Z');
    const hub = await scene({ now: () => nowMs });
    const { path, first, second, send } = await heartbeat();
    await send(hub, first);
    const tag = (await hub.get(path)).headers.get('etag') ?? '';
    nowMs += 60_000;
    await send(hub, second);
    const answer = await hub.get(path, { 'if-none-match': tag });
    expect(answer.status).toBe(200);
    expect(await answer.json()).toMatchObject({ hosts: [{ receivedAt: '2026-11-23T10:01:00.000Z' }] });
  });
});
