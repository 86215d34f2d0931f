import { once } from 'node:events';
import type { RequestListener, ServerResponse } from 'node:http';
import { describe, expect, it } from 'vitest';
import { createManifestSource } from '../../../../src/adapters/manifest-source/manifest-source.ts';
import { hubOrder } from '../../../../src/core/fleet/hub-order.ts';
import { createHubs } from '../../../../src/io/hub-failover.ts';
import { eventually } from '../../../support/poll.ts';
import { failure, UNCHANGED } from './fetched.ts';
import { serve, type LocalServer } from './server.ts';

const PATIENT = { connectMs: 5000, responseMs: 5000, requestMs: 10_000 };
const signal = new AbortController().signal;
const DEAD = 'http://127.0.0.1:1/manifest.json';

/** A source whose host prefers the hubs in this order. */
const sourceOf = (urls: readonly [string, ...string[]], random = () => 0) => {
  const names = Array.from({ length: 500 }, (_, n) => `web-${String(n)}`);
  const host = names.find((name) => hubOrder(name, urls).join(' ') === urls.join(' '));
  const hubs = createHubs({ host: host ?? '' }).list('manifest', urls);
  return createManifestSource({ hubs, timeouts: PATIENT, random });
};

const giving =
  (body: string): RequestListener =>
  (request, response) => {
    if (request.headers['if-none-match'] === `"${body}"`) response.writeHead(304).end();
    else response.setHeader('etag', `"${body}"`).end(body);
  };

const isHeld = async (held: readonly ServerResponse[]): Promise<void> => {
  await eventually(() => held.length === 1, { everyMs: 2, describe: () => 'the hub holds the request' });
};

/** A hub that holds long polls. */
const serveHolding = async (body: string): Promise<LocalServer & { held: ServerResponse[] }> => {
  const held: ServerResponse[] = [];
  const server = await serve((request, response) => {
    if (request.headers['prefer'] === undefined) giving(body)(request, response);
    else held.push(response.setHeader('preference-applied', request.headers['prefer']));
  });
  return { ...server, held };
};

describe('a manifest on several hubs', () => {
  it.each<[string, RequestListener | undefined]>([
    ['is not there', undefined],
    ['breaks the connection', (request) => request.socket.destroy()],
    [
      'ends in the middle',
      (request, response) => {
        response.writeHead(200, { 'content-length': '8' }).write('mani', () => request.socket.destroy());
      },
    ],
    ['is compressed', (_, response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end('x')],
    ['answers 500', (_, response) => response.writeHead(500).end()],
    ['answers 503', (_, response) => response.writeHead(503, { 'retry-after': '600' }).end()],
  ])('comes from the next one at once if the first one %s', async (_what, listener) => {
    const first = listener ? (await serve(listener)).url : DEAD;
    const second = await serve(giving('manifest'));
    const source = sourceOf([first, second.url]);
    const document = { kind: 'document', bytes: Buffer.from('manifest'), from: second.url };
    expect([await source.fetch(signal), await source.fetch(signal)]).toEqual([document, UNCHANGED]);
    expect(second.requests).toHaveLength(2);
  });

  it.each([401, 403, 404, 429])(
    'does not come from the next one after %i: a refusal is an answer',
    async (s) => {
      const first = await serve((_, response) => response.writeHead(s).end());
      const second = await serve(giving('manifest'));
      expect(await sourceOf([first.url, second.url]).fetch(signal)).toMatchObject({ kind: 'failed' });
      expect(second.requests).toEqual([]);
    },
  );

  it('says of each hub why none answers', async () => {
    const broken = await serve((_, response) => response.writeHead(502).end());
    const source = sourceOf([DEAD, broken.url]);
    expect(await source.fetch(signal)).toMatchObject(
      failure(
        'MANIFEST_UNREACHABLE',
        /^cannot read the manifest from any hub: http:\/\/127\.0\.0\.1:1\/manifest\.json: .*ECONNREFUSED.*; http:\/\/.*: it answered 502$/,
      ),
    );
  });

  it('keeps its ETag from one hub to the next: they have one store', async () => {
    const first = await serve(giving('manifest'));
    const second = await serve(giving('manifest'));
    const source = sourceOf([first.url, second.url]);
    await source.fetch(signal);
    first.server.closeAllConnections();
    first.server.close();
    expect(await source.fetch(signal)).toEqual(UNCHANGED);
    expect(second.requests.map(({ headers }) => headers['if-none-match'])).toEqual(['"manifest"']);
  });

  it('waits up to five seconds where a held poll breaks, and is then held by the next hub', async () => {
    const [first, second] = [await serveHolding('manifest'), await serveHolding('manifest')];
    const source = sourceOf([first.url, second.url], () => 0.5);
    await source.fetch(signal);
    const holding = source.hold?.(signal);
    await isHeld(first.held);
    first.requests.at(-1)?.socket.destroy();
    expect(await holding).toMatchObject({ kind: 'failed', retryAfterMs: 2500 });
    expect(second.requests).toEqual([]);
    const end = new AbortController();
    const next = source.hold?.(end.signal);
    await isHeld(second.held);
    end.abort();
    await expect(next).rejects.toThrow(/abort/i);
  });

  it.each([
    ['which it finds out by its poll', false, 'after 2500 ms'],
    ['which it knows', true, 'at once'],
  ])('comes to the next hub after the death of the first one, %s', async (_what, isKnown, expected) => {
    const [first, second] = [await serve(giving('manifest')), await serveHolding('manifest')];
    const source = sourceOf([first.url, second.url], () => 0.5);
    await source.fetch(signal);
    first.server.closeAllConnections();
    first.server.close();
    await once(first.server, 'close');
    if (isKnown) await source.fetch(signal);
    const end = new AbortController();
    const next = source
      .hold?.(end.signal)
      .then((held) => (held.kind === 'failed' ? `after ${String(held.retryAfterMs)} ms` : held.kind))
      .catch(() => 'aborted');
    const came = await Promise.race([next, isHeld(second.held).then(() => 'at once')]);
    expect(came).toEqual(expected);
    end.abort();
    await next;
  });
});
