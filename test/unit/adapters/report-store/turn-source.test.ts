import type { RequestListener } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  createTurnSource,
  type TurnSourceOptions,
} from '../../../../src/adapters/report-store/turn-source.ts';
import type { Asked } from '../../../../src/core/ports/turn-source.ts';
import type { TurnAnswer, TurnRequest } from '../../../../src/core/turns/turn-request.ts';
import { serve } from '../manifest-source/server.ts';
import { oneHub } from '../../../support/one-hub.ts';

const PATIENT = { connectMs: 5000, responseMs: 5000, requestMs: 10_000 };
const signal = new AbortController().signal;

const REQUEST: TurnRequest = {
  life: 'life-1',
  seq: 1,
  serial: 12,
  engine: 'engine-1',
  mostSeconds: 60,
  services: [],
};

const ANSWER: TurnAnswer = {
  apiVersion: 'supercargo/turn/v1',
  revision: 7,
  answer: 'granted',
  services: ['web'],
  refused: [],
  askAfterSeconds: 0,
  done: [],
};

const asker = (url: string, options: Partial<TurnSourceOptions> = {}) => {
  const source = createTurnSource({
    hubs: oneHub(new URL('/turns/staging/web-1', url).href),
    token: { kind: 'none' },
    readTls: async () => Promise.resolve({}),
    timeouts: PATIENT,
    ...options,
  });
  return (end = signal): Promise<Asked> => source.ask(REQUEST, end);
};

const telling =
  (status: number, document: unknown): RequestListener =>
  (_, response) =>
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(document));

describe('asking a store for a turn', () => {
  it('posts the request with the token of the host, and takes the answer', async () => {
    const bodies: string[] = [];
    const { url, requests } = await serve((request, response) => {
      const take = async (): Promise<void> => {
        bodies.push(await readText(request));
        response.writeHead(200).end(JSON.stringify({ ...ANSWER, later: 'member' }));
      };
      void take();
    });
    const ask = asker(url, { token: { kind: 'value', value: 't0ken' } });
    expect(await ask()).toEqual({ kind: 'answered', answer: ANSWER });
    expect(bodies.map((body) => JSON.parse(body) as unknown)).toEqual([REQUEST]);
    expect(requests[0]).toMatchObject({
      method: 'POST',
      url: '/turns/staging/web-1',
      headers: { authorization: 'Bearer t0ken' },
    });
  });

  it('takes words of a newer store for a wait, and text on one line', async () => {
    const refused = [{ service: 'web', answer: 'later', message: 'a\nb\u001B[31m' }];
    const { url } = await serve(telling(200, { ...ANSWER, answer: 'later', services: [], refused }));
    const asked = await asker(url)();
    expect(asked).toMatchObject({
      kind: 'answered',
      answer: { answer: 'wait', refused: [{ service: 'web', answer: 'wait', holders: [], hosts: [] }] },
    });
    expect(JSON.stringify(asked)).not.toMatch(/\\n|\\u001b/i);
  });

  it.each([404, 405, 501])('a store that answers %i hands out no turns', async (status) => {
    const { url } = await serve((_, response) => response.writeHead(status).end('not here'));
    expect(await asker(url)()).toEqual({
      kind: 'none',
      message: `the report store hands out no turns: ${new URL(url).origin}/turns/staging/web-1 answered ${String(status)}`,
    });
  });

  it('hands on why the store refuses this agent', async () => {
    const error = {
      code: 'replaced',
      message: 'another agent has asked as web-1',
      advice: 'give each host a name',
    };
    const { url } = await serve(telling(409, { error }));
    expect(await asker(url)()).toEqual({
      kind: 'refused',
      message: 'the report store refuses this agent: another agent has asked as web-1; give each host a name',
    });
  });

  it.each<[string, RequestListener, RegExp]>([
    ['401', (_, r) => r.writeHead(401).end(), /answered 401$/],
    ['500', (_, r) => r.writeHead(500).end(), /answered 500$/],
    ['another document', telling(200, { status: 'ok' }), /answered 200, but not with a turn$/],
    ['a page', (_, r) => r.writeHead(200).end('<html>'), /answered 200, but not with a turn$/],
  ])('%s is a failure', async (_what, listener, message) => {
    const { url } = await serve(listener);
    expect(await asker(url)()).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringMatching(message) as string },
    });
  });

  it('hands on how long the server wants to be left alone', async () => {
    const { url } = await serve((_, response) => response.writeHead(503, { 'retry-after': '30' }).end());
    expect(await asker(url)()).toMatchObject({ kind: 'failed', retryAfterMs: 30_000 });
  });

  it('gives a server up that does not answer, and never shows the token', async () => {
    const { url } = await serve(() => undefined);
    const timeouts = { ...PATIENT, responseMs: 30 };
    const asked = await asker(url, { timeouts, token: { kind: 'value', value: 's3cret' } })();
    expect(asked).toMatchObject({
      kind: 'failed',
      error: { message: expect.stringMatching(/^cannot ask for a turn at .*Timeout/) as string },
    });
    expect(JSON.stringify(asked)).not.toContain('s3cret');
  });

  it('rejects when it is aborted', async () => {
    const end = new AbortController();
    const { url } = await serve(() => end.abort(new Error('enough')));
    await expect(asker(url)(end.signal)).rejects.toThrow('enough');
  });
});
