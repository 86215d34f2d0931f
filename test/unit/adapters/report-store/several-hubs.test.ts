import type { RequestListener } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createReportStore } from '../../../../src/adapters/report-store/report-store.ts';
import { createTurnSource } from '../../../../src/adapters/report-store/turn-source.ts';
import { createHubs, type HubList } from '../../../../src/io/hub-failover.ts';
import { hubOrder } from '../../../../src/core/fleet/hub-order.ts';
import { serve } from '../manifest-source/server.ts';

const DEAD = 'http://127.0.0.1:1';
const signal = new AbortController().signal;
const access = { token: { kind: 'none' }, readTls: async () => Promise.resolve({}) } as const;
const REPORT = { text: () => '{}', substance: '', seq: 1 };
const REQUEST = { life: 'x', seq: 1, serial: 1, engine: 'e', mostSeconds: 0, services: [] };

/** A list whose host prefers the hubs in this order. */
const listOf = (path: string, hubs: readonly [string, ...string[]]): HubList => {
  const [first, ...others] = hubs.map((hub) => new URL(path, hub).href);
  const urls = [first ?? '', ...others] as const;
  const names = Array.from({ length: 500 }, (_, n) => `web-${String(n)}`);
  const host = names.find((name) => hubOrder(name, urls).join(' ') === urls.join(' '));
  return createHubs({ host: host ?? '' }).list('test', urls);
};

const reportsTo = (...hubs: readonly [string, ...string[]]) =>
  createReportStore({ hubs: listOf('/reports/staging/web-1.json', hubs), ...access });
const turnsAt = (...hubs: readonly [string, ...string[]]) =>
  createTurnSource({ hubs: listOf('/turns/staging/web-1', hubs), ...access });

const answering =
  (status: number, body = ''): RequestListener =>
  (request, response) =>
    request.resume().on('end', () => response.writeHead(status).end(body));

describe('a report to several hubs', () => {
  it.each([
    ['is dead', undefined],
    ['answers 503', 503],
  ])('goes to the next one if the first one %s, and says where it went', async (_what, status) => {
    const first = status === undefined ? DEAD : (await serve(answering(status))).url;
    const second = await serve(answering(204));
    const sink = reportsTo(first, second.url);
    expect(sink.url()).toBe(new URL('/reports/staging/web-1.json', first).href);
    expect(await sink.send(REPORT, signal)).toEqual({ kind: 'delivered' });
    expect(sink.url()).toBe(new URL('/reports/staging/web-1.json', second.url).href);
  });

  it('is not sent to the next hub where the first one refuses it', async () => {
    const [first, second] = [await serve(answering(403)), await serve(answering(204))];
    const delivery = await reportsTo(first.url, second.url).send(REPORT, signal);
    expect(delivery).toMatchObject({ kind: 'failed', error: { code: 'CREDENTIALS' } });
    expect(second.requests).toEqual([]);
  });

  it('fails with the reason of each hub', async () => {
    const body = JSON.stringify({ error: { code: 'store', message: 'no store', advice: 'look' } });
    const second = await serve(answering(503, body));
    const delivery = await reportsTo(DEAD, second.url).send(REPORT, signal);
    expect(delivery).toMatchObject({
      kind: 'failed',
      error: {
        code: 'STORE',
        message: expect.stringMatching(
          /^cannot send the report to http:\/\/127\.0\.0\.1:1\/reports.*: .*ECONNREFUSED.*; http:\/\/.*: it answered 503: no store$/,
        ) as string,
      },
    });
  });
});

describe('a turn of several hubs', () => {
  const answer = {
    apiVersion: 'supercargo/turn/v1',
    revision: 7,
    answer: 'granted',
    services: ['web'],
    refused: [],
    askAfterSeconds: 0,
    done: [],
  };

  it('comes from the next one if the first one is dead', async () => {
    const second = await serve(answering(200, JSON.stringify(answer)));
    expect(await turnsAt(DEAD, second.url).ask(REQUEST, signal)).toEqual({ kind: 'answered', answer });
  });

  it.each([409, 501])('does not come from the next one after %i, which is an answer', async (status) => {
    const [first, second] = [await serve(answering(status)), await serve(answering(200, '{}'))];
    const asked = await turnsAt(first.url, second.url).ask(REQUEST, signal);
    expect(asked.kind).toBe(status === 409 ? 'refused' : 'none');
    expect(second.requests).toEqual([]);
  });
});
