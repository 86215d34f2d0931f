import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { PassThrough } from 'node:stream';
import { afterEach, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import type { ReportedRollout } from '../../../src/core/turns/read-rollout.ts';
import { PUBLISH, scene } from '../hub/scene.ts';
import { eventually } from '../../support/poll.ts';
import { changeStatus, failureOf, minutesBefore, rolloutStatus } from '../../support/rollout.ts';

const cleanups: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0)) await cleanup();
});

interface Store {
  readonly url: string;
  readonly asked: { readonly path: string; readonly token: string | undefined; readonly body: unknown }[];
  /** What it answers from now on. */
  answer: { status: number; body: unknown };
}

const serve = async (body: unknown, status = 200): Promise<Store> => {
  const store: Store = { url: '', asked: [], answer: { status, body } };
  const server = createServer((request, response) => {
    let text = '';
    request.on('data', (chunk: Buffer) => (text += chunk.toString()));
    request.on('end', () => {
      store.asked.push({
        path: `${request.method ?? ''} ${request.url ?? ''}`,
        token: request.headers.authorization,
        body: text === '' ? undefined : (JSON.parse(text) as unknown),
      });
      response.writeHead(store.answer.status).end(JSON.stringify(store.answer.body));
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  cleanups.push(async () => {
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  });
  return Object.assign(store, { url: `http://127.0.0.1:${String((server.address() as AddressInfo).port)}` });
};

const start = (args: readonly string[], env: Record<string, string> = {}) => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told = { out: '', err: '' };
  stdout.on('data', (chunk: Buffer) => (told.out += chunk.toString()));
  stderr.on('data', (chunk: Buffer) => (told.err += chunk.toString()));
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const stopping = new AbortController();
  const code = runProgram(['rollout', ...args], io, () => Promise.resolve(io), stopping.signal);
  return { told, code, stop: () => stopping.abort() };
};

const run = async (args: readonly string[], env?: Record<string, string>) => {
  const { told, code } = start(args, env);
  return { code: await code, ...told };
};

const TOKENS = { SUPERCARGO_PUBLISH_TOKEN: 'p', SUPERCARGO_READ_TOKEN: 'r', USER: 'anna' };
const haltedChange = changeStatus({
  state: 'halted',
  halted: { reason: 'web-7 failed', at: minutesBefore(1), hosts: ['web-7'] },
});

describe('supercargo rollout status', () => {
  it.each<[string, number, Partial<ReportedRollout>]>([
    ['nothing to do', 0, {}],
    ['no pace', 0, { pace: null }],
    ['a finished change', 0, { changes: [changeStatus({ state: 'finished' })] }],
    ['a change that switches', 2, { changes: [changeStatus()] }],
    ['a change that soaks', 2, { changes: [changeStatus({ state: 'soaking' })] }],
    ['a change that waits', 2, { changes: [changeStatus({ state: 'waiting' })] }],
    ['a state of a newer hub', 2, { changes: [changeStatus({ state: 'resting' })] }],
    ['a halted change beside a newer one', 3, { changes: [haltedChange, changeStatus({ serial: 419 })] }],
    [
      'a halt without a change',
      3,
      { halt: { reason: 'sale', by: 'anna', at: minutesBefore(1), until: null } },
    ],
  ])('with %s ends with %i', async (_what, code, change) => {
    const store = await serve(rolloutStatus(change));
    const ran = await run(['status', 'production', '--to', store.url], TOKENS);
    expect([ran.code, ran.err]).toEqual([code, '']);
    expect(ran.out).toMatch(/^production/);
    expect(store.asked[0]).toEqual({ path: 'GET /rollouts/production', token: 'Bearer r', body: undefined });
  });

  it('takes no name for an environment that the store does not have', async () => {
    const hub = await scene();
    await hub.publish('staging', 1);
    const { code, err } = await run(['status', 'stagign', '--to', hub.url], {
      SUPERCARGO_PUBLISH_TOKEN: PUBLISH,
    });
    expect([code, err]).toEqual([
      1,
      expect.stringMatching(/has no manifest of stagign [^]*→ check the name; environments there: staging/),
    ]);
    expect(await run(['status', 'staging', '--to', hub.url], { SUPERCARGO_PUBLISH_TOKEN: PUBLISH })).toEqual({
      code: 0,
      out: 'staging: no pace is published, so each host decides alone when it switches\n',
      err: '',
    });
  });

  it('prints the document of the store with --json', async () => {
    const rollout = { ...rolloutStatus({ changes: [haltedChange] }), added: 'by a newer hub' };
    const store = await serve(rollout);
    const ran = await run(['status', 'production', '--to', store.url, '--json']);
    expect([ran.code, JSON.parse(ran.out)]).toEqual([3, rollout]);
  });

  it('ends with 4 if the store does not answer, and with 1 if it refuses or hands out no turns', async () => {
    const away = await run(['status', 'production', '--to', 'http://127.0.0.1:1']);
    expect([away.code, away.err]).toEqual([4, expect.stringMatching(/cannot read .*\n {2}→ check --to/)]);
    const failing = await serve({ error: { code: 'internal', message: 'the hub failed', advice: 'x' } }, 500);
    expect((await run(['status', 'production', '--to', failing.url])).code).toBe(4);
    const refusing = await serve({ error: { code: 'token', message: 'no token', advice: 'x' } }, 401);
    expect((await run(['status', 'production', '--to', refusing.url])).code).toBe(1);
    const old = await serve({ error: { code: 'not-found', message: 'x', advice: 'x' } }, 404);
    const ran = await run(['status', 'production', '--to', old.url, '--json']);
    expect([ran.code, ran.err]).toEqual([1, expect.stringMatching(/hands out no turns/)]);
    expect(JSON.parse(ran.out)).toMatchObject({ error: { code: 'STORE' } });
    const folder = await run(['status', 'production', '--to', '/nonexistent']);
    expect([folder.code, folder.err]).toEqual([1, expect.stringMatching(/^supercargo: \/nonexistent hands/)]);
  });

  it('with --watch prints again what has changed, and goes on while the store is away', async () => {
    const store = await serve(rolloutStatus({ changes: [changeStatus()] }));
    const { told, code, stop } = start(['status', 'production', '--to', store.url, '--watch']);
    const untilTold = (text: string) =>
      eventually(() => told.out.includes(text) || told.err.includes(text), { describe: () => text });
    await untilTold('is under way');
    store.answer = { status: 503, body: {} };
    await untilTold('cannot read');
    store.answer = { status: 200, body: rolloutStatus({ at: minutesBefore(-1), changes: [haltedChange] }) };
    await untilTold('is halted: web-7 failed');
    stop();
    expect(await code).toBe(3);
    expect(told.out.match(/^production/gm)).toHaveLength(2);
    expect(told.err.match(/cannot read/g)).toHaveLength(1);
  });
});

describe('the commands of a rollout', () => {
  const by = `anna@${hostname()}`;
  it.each<[readonly string[], string, object, RegExp]>([
    [
      ['halt', 'production', '--reason', 'sale', '--for', '90m'],
      'halt',
      { reason: 'sale', by, forSeconds: 5400 },
      /^production: no host begins anything new until .*resume production.* or 90m are over;/,
    ],
    [
      ['halt', 'production', '--reason', 'sale'],
      'halt',
      { reason: 'sale', by, forSeconds: null },
      /^production: no host begins anything new/,
    ],
    [
      ['resume', 'production', '--reason', 'fixed'],
      'resume',
      { reason: 'fixed', by, jobElsewhere: false },
      /^production: nothing is halted any more; no longer counted: web-2\n/,
    ],
    [
      ['resume', 'production', '--reason', 'web-1 is scrapped', '--job-elsewhere'],
      'resume',
      { reason: 'web-1 is scrapped', by, jobElsewhere: true },
      /^production: nothing is halted any more/,
    ],
    [
      ['free', 'production', 'web-9', '--reason', 'scrapped'],
      'free',
      { host: 'web-9', reason: 'scrapped', by },
      /^web-9 has no turn in production any more/,
    ],
    [
      ['leave-out', 'production', 'web-9', '--reason', 'fan'],
      'leave-out',
      { host: 'web-9', reason: 'fan', by, undo: false },
      /^web-9 is left out in production: .* leave-out production web-9 --undo`\n/,
    ],
    [
      ['leave-out', 'production', 'web-9', '--undo'],
      'leave-out',
      { host: 'web-9', reason: 'it takes part again', by, undo: true },
      /^web-9 takes part in the changes of production again\n/,
    ],
  ])('%j is sent with the publish token, and says what it did', async (args, kind, body, says) => {
    const failures = [failureOf(), failureOf({ host: 'web-2', forgiven: true })];
    const store = await serve(rolloutStatus({ changes: [changeStatus({ failures })] }));
    const ran = await run([...args, '--to', store.url], TOKENS);
    expect([ran.code, ran.err]).toEqual([0, '']);
    expect(store.asked).toEqual([{ path: `POST /rollouts/production/${kind}`, token: 'Bearer p', body }]);
    expect(ran.out).toMatch(says);
    expect(ran.out).toContain('production: serial 418 (web 1.1.0) is under way');
  });

  it('print the document with --json', async () => {
    const store = await serve(rolloutStatus());
    const ran = await run(['resume', 'production', '--reason', 'fixed', '--json', '--to', store.url], TOKENS);
    expect(JSON.parse(ran.out)).toEqual(rolloutStatus());
  });

  it('say that a halt does not concern hosts that decide alone', async () => {
    const store = await serve(rolloutStatus({ pace: null }));
    const { out } = await run(['halt', 'production', '--reason', 'x', '--to', store.url], TOKENS);
    expect(out).toMatch(
      /^production has no pace, so hosts that decide alone go on; no host with SUPERCARGO_/,
    );
  });

  it.each<[readonly string[], RegExp]>([
    [['halt', 'production'], /required option '--reason/],
    [['halt', 'production', '--reason', '  '], /the reason is empty[^]*→ say why/],
    [['halt', 'production', '--reason', 'x'.repeat(2000)], /longer than 1024 characters/],
    [['halt', 'production', '--reason', 'x', '--for', 'soon'], /"soon" is not a duration/],
    [['resume', 'Production', '--reason', 'x'], /"Production" is not a valid environment name/],
    [['free', 'production', '../x', '--reason', 'x'], /"\.\.\/x" is not a valid host name/],
    [['leave-out', 'production', 'web-9'], /the reason is missing[^]*--reason TEXT; or --undo/],
  ])('%j is refused before anything is sent', async (args, says) => {
    const store = await serve(rolloutStatus());
    const ran = await run([...args, '--to', store.url], TOKENS);
    expect([ran.code, store.asked]).toEqual([1, []]);
    expect(ran.err).toMatch(says);
  });

  it('show the refusal of the hub with its advice', async () => {
    const store = await serve(
      { error: { code: 'no-turn', message: 'web-9 has no turn', advice: 'see who has one' } },
      409,
    );
    const ran = await run(['free', 'production', 'web-9', '--reason', 'x', '--to', store.url], TOKENS);
    expect([ran.code, ran.err]).toEqual([1, expect.stringMatching(/web-9 has no turn.*\n {2}→ see who/)]);
  });
});
