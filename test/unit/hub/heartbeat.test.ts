import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { hostToken } from '../../../src/core/hub/tokens.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { eventually } from '../../support/poll.ts';
import { startReportingAgent } from '../../support/reporting-agent.ts';
import { hostStatus } from '../../support/status.ts';
import { bearer, SECRET, type Scene, scene } from './scene.ts';

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

const PATH = '/reports/staging/web-1.json';

/** A heartbeat that carries no report. */
const beat = async (
  hub: Scene,
  tag: string | undefined,
  more: Record<string, string> = {},
  token = hostToken(SECRET, 'staging', 'web-1'),
): Promise<Response> =>
  hub.put(PATH, '', {
    ...bearer(token),
    'supercargo-heartbeat': 'yes',
    ...(tag !== undefined && { 'if-match': tag }),
    ...more,
  });

const report = async (hub: Scene, change: Partial<Status> = {}): Promise<Response> =>
  hub.report('staging', 'web-1', hostStatus({ host: 'web-1', ...change }));

const turns = (seq: number): Partial<Status> => ({
  turns: { mode: 'manifest', life: 'a', seq, asked: [], store: 'answers', message: null, revision: null },
});

const tagOf = ({ headers }: Response): string => headers.get('etag') ?? '';

describe('a heartbeat without a report', () => {
  it('is offered with each report that is taken, and repeats it', async () => {
    const clock = { ms: Date.now() };
    const hub = await scene({ now: () => clock.ms });
    const sent = await report(hub);
    expect([sent.status, sent.headers.get('supercargo-heartbeat')]).toEqual([201, 'yes']);
    expect(tagOf(sent)).toBe(tagOf(await hub.get(PATH)));
    clock.ms += 60_000;
    const list = await hub.get('/reports/staging');
    const answer = await beat(hub, tagOf(sent), { 'supercargo-seq': '7' });
    expect([answer.status, tagOf(answer), answer.headers.get('supercargo-heartbeat')]).toEqual([
      204,
      tagOf(sent),
      'yes',
    ]);
    const later = await hub.get('/reports/staging', { 'if-none-match': tagOf(list) });
    expect(await later.json()).toMatchObject({ hosts: [{ receivedAt: new Date(clock.ms).toISOString() }] });
    const { mtimeMs } = await stat(join(hub.folder, PATH));
    expect(Math.abs(mtimeMs - clock.ms)).toBeLessThan(2);
    expect(await (await hub.get('/metrics')).text()).toContain('supercargo_hub_reports_total 2\n');
    await hub.restart();
    expect((await beat(hub, tagOf(sent))).status).toBe(204);
  });

  it('wakes no reader of the list', async () => {
    const hub = await scene();
    const sent = await report(hub);
    const tag = tagOf(await hub.get('/reports/staging'));
    const poll = hub.get('/reports/staging', { 'if-none-match': tag, prefer: 'wait=300' });
    await held(hub, 1);
    expect((await beat(hub, tagOf(sent))).status).toBe(204);
    await held(hub, 1);
    await report(hub, { outcome: 'blocked' });
    expect(await (await poll).json()).toMatchObject({ hosts: [{ status: { outcome: 'blocked' } }] });
  });

  it.each([
    ['of another report', '"x"'],
    ['of any report', '*'],
    ['without a tag', undefined],
  ])('%s has to be sent as a report', async (_what, tag) => {
    const hub = await scene();
    await report(hub);
    const answer = await beat(hub, tag);
    expect(answer.status).toBe(412);
    expect(await answer.json()).toMatchObject({
      error: { advice: expect.stringContaining('send the whole report') },
    });
  });

  it('of a host that is forgotten has to be sent as a report', async () => {
    const hub = await scene();
    const tag = tagOf(await report(hub));
    await hub.remove(PATH);
    expect((await beat(hub, tag)).status).toBe(412);
    expect((await report(hub)).status).toBe(201);
  });

  it('needs the token of the host, and is none with a body', async () => {
    const hub = await scene();
    const tag = tagOf(await report(hub));
    expect((await beat(hub, tag, {}, hostToken(SECRET, 'staging', 'web-2'))).status).toBe(403);
    const whole = JSON.stringify(hostStatus({ host: 'web-1', outcome: 'blocked' }));
    const headers = { ...bearer(hostToken(SECRET, 'staging', 'web-1')), 'supercargo-heartbeat': 'yes' };
    expect((await hub.put(PATH, whole, headers)).status).toBe(204);
    expect(await (await hub.get(PATH)).text()).toBe(whole);
    expect((await hub.put(PATH, '', bearer(hostToken(SECRET, 'staging', 'web-1')))).status).toBe(400);
  });

  it('is not offered for a report that came too late', async () => {
    const hub = await scene();
    await report(hub, turns(5));
    const { status, headers } = await report(hub, turns(4));
    expect([status, headers.get('etag'), headers.get('supercargo-heartbeat')]).toEqual([204, null, null]);
  });
});
