import type { IncomingMessage, ServerResponse } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import { createReportStore } from '../../../../src/adapters/report-store/report-store.ts';
import { hubOrder } from '../../../../src/core/fleet/hub-order.ts';
import type { Delivery } from '../../../../src/core/ports/report-sink.ts';
import { createHubs } from '../../../../src/io/hub-failover.ts';
import { serve } from '../manifest-source/server.ts';

const signal = new AbortController().signal;
const PATH = '/reports/staging/web-1.json';
const DELIVERED: Delivery = { kind: 'delivered' };

interface Store {
  readonly url: string;
  /** Each request: `whole TEXT`, or `heartbeat ETAG SEQ`. */
  readonly heard: string[];
  /** Headers of the answer to a whole report. */
  headers: Record<string, string>;
  /** Status of the answer to a heartbeat, and to a whole report. */
  beat: number;
  whole: number;
}

const serveStore = async (): Promise<Store> => {
  const store: Store = {
    url: '',
    heard: [],
    headers: { etag: '"1"', 'supercargo-heartbeat': 'yes' },
    beat: 204,
    whole: 204,
  };
  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await readText(request);
    const { 'if-match': match, 'supercargo-heartbeat': isBeat, 'supercargo-seq': seq } = request.headers;
    if (isBeat === 'yes') {
      expect([body, request.headers['content-length'], request.headers['content-type']]).toEqual([
        '',
        '0',
        undefined,
      ]);
      store.heard.push(`heartbeat ${match ?? ''} ${String(seq)}`);
      response.writeHead(store.beat).end();
    } else {
      store.heard.push(`whole ${body}`);
      response.writeHead(store.whole, store.headers).end();
    }
  };
  const { url } = await serve((request, response) => void answer(request, response));
  return Object.assign(store, { url: new URL(PATH, url).href });
};

/** A host that prefers the stores in this order, on a clock of its own. */
const reportTo = (first: Store, ...others: readonly Store[]) => {
  const clock = { ms: 0 };
  const urls = [first.url, ...others.map(({ url }) => url)] as const;
  const names = Array.from({ length: 500 }, (_, n) => `web-${String(n)}`);
  const host = names.find((name) => hubOrder(name, urls).join(' ') === urls.join(' '));
  const sink = createReportStore({
    hubs: createHubs({ host: host ?? '', elapsed: () => clock.ms, random: () => 0 }).list('reports', urls),
    token: { kind: 'none' },
    readTls: async () => Promise.resolve({}),
    elapsed: () => clock.ms,
  });
  let count = 0;
  const send = (substance: string): Promise<Delivery> => {
    count += 1;
    const seq = count;
    return sink.send({ text: () => `${substance} ${String(seq)}`, substance, seq }, signal);
  };
  return { clock, send, sink };
};

describe('a heartbeat', () => {
  it('stands for a report that says nothing new', async () => {
    const store = await serveStore();
    const { send } = reportTo(store);
    expect([await send('a'), await send('a'), await send('a'), await send('b'), await send('b')]).toEqual(
      Array.from({ length: 5 }, () => DELIVERED),
    );
    expect(store.heard).toEqual([
      'whole a 1',
      'heartbeat "1" 2',
      'heartbeat "1" 3',
      'whole b 4',
      'heartbeat "1" 5',
    ]);
  });

  it.each([
    ['does not ask for it', { etag: '"1"' }],
    ['asks for it with another word', { etag: '"1"', 'supercargo-heartbeat': 'no' }],
    ['gives no ETag', { 'supercargo-heartbeat': 'yes' }],
    ['gives a weak ETag', { etag: 'W/"1"', 'supercargo-heartbeat': 'yes' }],
  ])('is not sent to a store that %s', async (_what, headers) => {
    const store = await serveStore();
    store.headers = headers;
    const { send } = reportTo(store);
    await send('a');
    await send('a');
    expect(store.heard).toEqual(['whole a 1', 'whole a 2']);
  });

  it('is not sent after a report that was refused, or without a number', async () => {
    const store = await serveStore();
    const { send, sink } = reportTo(store);
    store.whole = 422;
    await send('a');
    store.whole = 204;
    await send('a');
    await sink.send({ text: () => 'a', substance: 'a', seq: undefined }, signal);
    expect(store.heard).toEqual(['whole a 1', 'whole a 2', 'whole a']);
  });

  it.each([412, 400, 404, 200])(
    'that is answered with %i is followed by the whole report at once',
    async (status) => {
      const store = await serveStore();
      const { send } = reportTo(store);
      await send('a');
      store.beat = status;
      expect(await send('a')).toEqual(DELIVERED);
      expect(store.heard).toEqual(['whole a 1', 'heartbeat "1" 2', 'whole a 2']);
    },
  );

  it('fails as a report does where the only store fails', async () => {
    const store = await serveStore();
    const { send } = reportTo(store);
    await send('a');
    store.beat = 503;
    expect(await send('a')).toMatchObject({ kind: 'failed', error: { code: 'STORE' } });
  });

  it('gives way to a whole report within a quarter of an hour', async () => {
    const store = await serveStore();
    const { send, clock } = reportTo(store);
    await send('a');
    for (let minute = 1; minute <= 15; minute += 1) {
      clock.ms = minute * 60_000;
      await send('a');
    }
    expect(store.heard.filter((word) => word.startsWith('whole'))).toEqual(['whole a 1', 'whole a 15']);
  });

  it('goes only to the hub that has the report: another one gets it whole', async () => {
    const [first, second] = [await serveStore(), await serveStore()];
    const { send, clock } = reportTo(first, second);
    await send('a');
    first.beat = 503;
    expect(await send('a')).toEqual(DELIVERED);
    await send('a');
    expect(second.heard).toEqual(['whole a 2', 'heartbeat "1" 3']);
    first.beat = 204;
    clock.ms = 5000;
    await send('a');
    expect(first.heard).toEqual(['whole a 1', 'heartbeat "1" 2', 'whole a 4']);
  });
});
