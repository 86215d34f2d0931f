import { writeFile } from 'node:fs/promises';
import type { RequestListener } from 'node:http';
import { text as readText } from 'node:stream/consumers';
import { describe, expect, it } from 'vitest';
import {
  createReportStore,
  type ReportStoreOptions,
} from '../../../../src/adapters/report-store/report-store.ts';
import { readAgentTlsFiles } from '../../../../src/io/tls-files.ts';
import type { Delivery } from '../../../../src/core/ports/report-sink.ts';
import { createFolder, serve, serveMutualTls, writeText } from '../manifest-source/server.ts';
import { oneHub } from '../../../support/one-hub.ts';

const PATIENT = { connectMs: 5000, responseMs: 5000, requestMs: 10_000 };
const signal = new AbortController().signal;

const sender = (url: string, options: Partial<ReportStoreOptions> = {}) => {
  const sink = createReportStore({
    hubs: oneHub(new URL('/reports/staging/web-1.json', url).href),
    token: { kind: 'none' },
    readTls: async () => Promise.resolve({}),
    timeouts: PATIENT,
    ...options,
  });
  return (text = '{}', end = signal): Promise<Delivery> =>
    sink.send({ text: () => text, substance: text, seq: 1 }, end);
};

const failing = (code: string, message: RegExp, advice = /./): object => ({
  kind: 'failed',
  error: {
    code,
    message: expect.stringMatching(message) as string,
    advice: expect.stringMatching(advice) as string,
  },
});

const told =
  (error: unknown): RequestListener =>
  (_, response) =>
    response.writeHead(422, { 'content-type': 'application/json' }).end(JSON.stringify({ error }));

describe('sending a report', () => {
  it.each([200, 201, 204])('puts it, and takes %i for an arrival', async (status) => {
    const bodies: string[] = [];
    const { url, requests } = await serve((request, response) => {
      const take = async (): Promise<void> => {
        bodies.push(await readText(request));
        response.writeHead(status).end();
      };
      void take();
    });
    const send = sender(url, { token: { kind: 'value', value: 't0ken' } });
    expect(await send('{"äö":1}')).toEqual({ kind: 'delivered' });
    expect(bodies).toEqual(['{"äö":1}']);
    expect(requests[0]).toMatchObject({
      method: 'PUT',
      url: '/reports/staging/web-1.json',
      headers: {
        authorization: 'Bearer t0ken',
        'content-type': 'application/json; charset=utf-8',
        'content-length': '10',
      },
    });
  });

  it('shows no token where there is none', async () => {
    const { url, requests } = await serve((_, response) => response.end());
    await sender(url)();
    expect(requests[0]?.headers.authorization).toBeUndefined();
  });

  it('reads the token anew for every report', async () => {
    const path = await writeText(await createFolder(), 'token', 'one\n');
    const { url, requests } = await serve((_, response) => response.end());
    const send = sender(url, { token: { kind: 'file', path } });
    await send();
    await writeFile(path, 'two');
    await send();
    expect(requests.map(({ headers }) => headers.authorization)).toEqual(['Bearer one', 'Bearer two']);
  });

  it.each([
    ['is missing', undefined, /token does not exist$/],
    ['is empty', '\n', /token holds no token$/],
    ['holds more than a word', 's3cret and more', /token holds no token$/],
  ])('asks nobody with a token file that %s', async (_what, content, message) => {
    const folder = await createFolder();
    const path = content === undefined ? `${folder}/token` : await writeText(folder, 'token', content);
    const { url, requests } = await serve((_, response) => response.end());
    const delivery = await sender(url, { token: { kind: 'file', path } })();
    expect(delivery).toMatchObject(failing('CREDENTIALS', message));
    expect(JSON.stringify(delivery)).not.toContain('s3cret');
    expect(requests).toEqual([]);
  });

  it.each<[string, RequestListener, object]>([
    [
      '401',
      (_, r) => r.writeHead(401).end(),
      failing('CREDENTIALS', /answered 401$/, /SUPERCARGO_REPORT_TOKEN/),
    ],
    ['403', (_, r) => r.writeHead(403).end('no'), failing('CREDENTIALS', /answered 403$/, /another host/)],
    ['404', (_, r) => r.writeHead(404).end(), failing('STORE', /answered 404$/, /SUPERCARGO_REPORT_URL/)],
    ['413', (_, r) => r.writeHead(413).end(), failing('STORE', /answered 413$/, /256 KiB/)],
    ['500', (_, r) => r.writeHead(500).end(), failing('STORE', /answered 500$/, /look at the server/)],
    [
      'a reason',
      told({ message: 'host\u001B[31m is wrong' }),
      failing('STORE', /answered 422: host \[31m is wrong$/),
    ],
    ['no reason', told('odd'), failing('STORE', /answered 422$/)],
    [
      'a redirect',
      (_, r) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      failing('STORE', /answered 302 with a redirect, which the agent does not follow$/),
    ],
  ])('tells a refusal: %s', async (_what, listener, expected) => {
    const { url, requests } = await serve(listener);
    expect(await sender(url)()).toMatchObject(expected);
    expect(requests).toHaveLength(1);
  });

  it('hands on how long the server wants to be left alone', async () => {
    const { url } = await serve((_, response) => response.writeHead(503, { 'retry-after': '30' }).end());
    expect(await sender(url)()).toMatchObject({ kind: 'failed', retryAfterMs: 30_000 });
  });

  it('reads no more of a refusal than can be shown', async () => {
    const closed = Promise.withResolvers<undefined>();
    const { url } = await serve((_, response) => {
      response.writeHead(500);
      const pour = (): void => {
        while (!response.destroyed && response.write(Buffer.alloc(64 * 1024, 'x')));
      };
      response.on('drain', pour).on('close', () => closed.resolve(undefined));
      pour();
    });
    expect(await sender(url)()).toMatchObject(failing('STORE', /answered 500$/));
    await closed.promise;
  });

  it('gives a server up that does not answer, and never shows the token', async () => {
    const { url } = await serve(() => undefined);
    const timeouts = { ...PATIENT, responseMs: 30 };
    const delivery = await sender(url, { timeouts, token: { kind: 'value', value: 's3cret' } })();
    expect(delivery).toMatchObject(failing('STORE', /cannot send the report to .*Timeout/));
    expect(JSON.stringify(delivery)).not.toContain('s3cret');
  });

  it('tells a server that is not there', async () => {
    expect(await sender('http://127.0.0.1:1')()).toMatchObject(failing('STORE', /ECONNREFUSED/));
  });

  it('rejects only with the abort of its signal', async () => {
    const ended = new AbortController();
    const { url } = await serve(() => {
      ended.abort(new Error('enough'));
    });
    await expect(sender(url)('{}', ended.signal)).rejects.toThrow('enough');
  });

  it('checks certificates, and shows one, as the manifest source does', async () => {
    const { url, folder, server, client } = await serveMutualTls((_, response) => response.end());
    const files = { ca: server.cert, clientCert: client.cert, clientKey: client.key };
    const readTls = (end: AbortSignal) => readAgentTlsFiles(files, end);
    expect(await sender(url)()).toMatchObject(failing('STORE', /certificate/));
    expect(await sender(url, { readTls })()).toEqual({ kind: 'delivered' });
    const missing = (end: AbortSignal) => readAgentTlsFiles({ ca: `${folder}/none` }, end);
    expect(await sender(url, { readTls: missing })()).toMatchObject(
      failing('CREDENTIALS', /none does not exist$/),
    );
  });
});
