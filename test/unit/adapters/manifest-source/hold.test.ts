import type { ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createManifestSource } from '../../../../src/adapters/manifest-source/manifest-source.ts';
import type { Held, ManifestSource } from '../../../../src/core/ports/manifest-source.ts';
import { eventually } from '../../../support/poll.ts';
import { documentOf, failure, UNCHANGED } from './fetched.ts';
import { createFolder, serve, writeText, type LocalServer } from './server.ts';
import { oneHub } from '../../../support/one-hub.ts';

const PATIENT = { connectMs: 5000, responseMs: 5000, requestMs: 10_000 };
const signal = new AbortController().signal;

interface Followed extends LocalServer {
  readonly source: ManifestSource;
  readonly hold: (signal?: AbortSignal) => Promise<Held | undefined>;
  /** Long polls that the server holds. */
  readonly held: ServerResponse[];
  readonly publish: (body: string) => void;
  readonly stopHolding: () => void;
}

/** A server that holds conditional requests, if it is asked to, and says so. */
const follow = async (holdSeconds = 300): Promise<Followed> => {
  const state = { body: 'first', holds: true };
  const held: ServerResponse[] = [];
  const answer = (response: ServerResponse): void => {
    response.setHeader('etag', `"${state.body}"`).end(state.body);
  };
  const server = await serve((request, response) => {
    const isKnown = request.headers['if-none-match'] === `"${state.body}"`;
    if (!isKnown) answer(response);
    else if (request.headers['prefer'] === undefined || !state.holds) response.writeHead(304).end();
    else held.push(response.setHeader('preference-applied', request.headers['prefer']));
  });
  const source = createManifestSource({ hubs: oneHub(server.url), timeouts: PATIENT, holdSeconds });
  return {
    ...server,
    source,
    hold: async (end = signal) => source.hold?.(end),
    held,
    stopHolding: () => {
      state.holds = false;
    },
    publish: (body) => {
      state.body = body;
      for (const response of held.splice(0)) answer(response);
    },
  };
};

const isHolding = async ({ held }: Followed): Promise<void> => {
  await eventually(() => held.length === 1, { everyMs: 2, describe: () => 'the server holds the request' });
};

describe('a long poll', () => {
  it('waits for a first read: without an ETag there is nothing to compare', async () => {
    const s = await follow();
    expect(await s.hold()).toEqual({ kind: 'unready' });
    expect(s.requests).toEqual([]);
  });

  it('asks the server to hold, and gives what is published meanwhile', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const holding = s.hold();
    await isHolding(s);
    expect(s.requests[1]?.headers).toMatchObject({ prefer: 'wait=300', 'if-none-match': '"first"' });
    s.publish('second');
    expect(await holding).toEqual(documentOf('second'));
    expect(await s.source.fetch(signal)).toEqual(UNCHANGED);
  });

  it('gives nothing new when its time is over', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const holding = s.hold();
    await isHolding(s);
    s.held[0]?.writeHead(304).end();
    expect(await holding).toEqual(UNCHANGED);
  });

  it('gives what was published just before at once', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    s.publish('second');
    expect(await s.hold()).toEqual(documentOf('second'));
  });

  it.each([
    ['304', (response: ServerResponse) => response.writeHead(304).end()],
    ['the same document', (response: ServerResponse) => response.setHeader('etag', '"a"').end('body')],
  ])('takes %s at once for a server that does not hold requests', async (_what, answer) => {
    const { url } = await serve((request, response) => {
      if (request.headers['if-none-match'] === undefined) response.setHeader('etag', '"a"').end('body');
      else answer(response);
    });
    const source = createManifestSource({ hubs: oneHub(url), timeouts: PATIENT });
    await source.fetch(signal);
    expect(await source.hold?.(signal)).toEqual({ kind: 'unsupported' });
  });

  it('takes an answer that came after the time for a held one, also without the header', async () => {
    const s = await serve((request, response) => {
      if (request.headers['if-none-match'] === undefined) response.setHeader('etag', '"a"').end('body');
      else response.writeHead(304).end();
    });
    // Asked to hold for a second, every server is in time.
    const source = createManifestSource({ hubs: oneHub(s.url), timeouts: PATIENT, holdSeconds: 1 });
    await source.fetch(signal);
    expect(await source.hold?.(signal)).toEqual(UNCHANGED);
  });

  it('is given up for a look, which never has it beside itself', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const holding = s.hold();
    await isHolding(s);
    const looking = s.source.fetch(signal);
    expect(await holding).toEqual({ kind: 'interrupted' });
    const next = s.hold();
    expect(await looking).toEqual(UNCHANGED);
    await eventually(() => s.held.length === 2, { everyMs: 2, describe: () => 'the next one is held' });
    s.publish('second');
    expect(await next).toEqual(documentOf('second'));
  });

  it('is unconditional and not held now and then, as every look is', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    for (let read = 1; read < 20; read += 1) await s.source.fetch(signal);
    expect(await s.hold()).toEqual(UNCHANGED);
    expect(s.requests.at(-1)?.headers['prefer']).toBeUndefined();
    expect(s.requests.at(-1)?.headers['if-none-match']).toBeUndefined();
  });

  it('is always conditional at a server that has held one, until it holds none any more', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const holding = s.hold();
    await isHolding(s);
    s.held.splice(0)[0]?.writeHead(304).end();
    await holding;
    for (let read = 0; read < 25; read += 1) await s.source.fetch(signal);
    const conditions = (): readonly unknown[] => s.requests.map(({ headers }) => headers['if-none-match']);
    expect(conditions().slice(2)).toEqual(Array.from({ length: 25 }, () => '"first"'));
    s.stopHolding();
    expect(await s.hold()).toEqual({ kind: 'unsupported' });
    await s.source.fetch(signal);
    expect(conditions().slice(-2)).toEqual(['"first"', undefined]);
  });

  it('tells an answer that is none', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const holding = s.hold();
    await isHolding(s);
    s.held[0]?.writeHead(504, { 'retry-after': '7' }).end();
    expect(await holding).toMatchObject({
      ...failure('MANIFEST_UNREACHABLE', /answered 504$/),
      retryAfterMs: 7000,
    });
  });

  it('tells a server that goes away', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const holding = s.hold();
    await isHolding(s);
    s.server.closeAllConnections();
    expect(await holding).toMatchObject(failure('MANIFEST_UNREACHABLE', /cannot read/));
  });

  it('ends with its signal', async () => {
    const s = await follow();
    await s.source.fetch(signal);
    const ended = new AbortController();
    const holding = s.hold(ended.signal);
    await isHolding(s);
    ended.abort(new Error('enough'));
    await expect(holding).rejects.toThrow('enough');
  });

  it('does not exist for files', async () => {
    const path = await writeText(await createFolder(), 'm.json', 'body');
    expect(createManifestSource({ hubs: oneHub(`file://${path}`) }).hold).toBeUndefined();
  });
});
