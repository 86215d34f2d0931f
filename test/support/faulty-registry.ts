import { once } from 'node:events';
import { createServer, type IncomingMessage, request, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RegistryAddress } from './registry.ts';

/** What a registry does wrong, and to which requests; all others are answered as they should be. */
export interface RegistryFault {
  readonly on: RegExp;
  readonly answer: (request: IncomingMessage, response: ServerResponse, origin: Origin) => Promise<void>;
}

/** Asks the registry behind for a path, as the request was. */
type Origin = (path?: string) => Promise<IncomingMessage>;

export interface FaultyRegistry extends RegistryAddress {
  /** Undefined: it is well again. */
  readonly setFault: (fault: RegistryFault | undefined) => void;
  /** `GET /v2/…`, since it was started. */
  readonly requests: readonly string[];
  readonly close: () => Promise<void>;
}

const passOn = async (response: ServerResponse, answer: IncomingMessage): Promise<void> => {
  response.writeHead(answer.statusCode ?? 502, answer.headers);
  await pipeline(answer, response);
};

/** A registry in front of another one, which can be made to misbehave. */
export const startFaultyRegistry = async (behind: RegistryAddress): Promise<FaultyRegistry> => {
  const state: { fault: RegistryFault | undefined } = { fault: undefined };
  const requests: string[] = [];
  const serve = async (incoming: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { method = 'GET', url = '/', headers } = incoming;
    requests.push(`${method} ${url}`);
    const origin: Origin = async (path = url) => {
      const forwarded = request(`http://${behind.address}${path}`, { method, headers });
      incoming.pipe(forwarded);
      const [answer] = (await once(forwarded, 'response')) as [IncomingMessage];
      return answer;
    };
    const { fault } = state;
    if (fault?.on.test(url) === true) await fault.answer(incoming, response, origin);
    else await passOn(response, await origin());
  };
  const server = createServer((incoming, response) => {
    // Who hangs up, or is hung up on, is part of the game.
    serve(incoming, response).catch(() => response.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    address: `127.0.0.1:${String((server.address() as AddressInfo).port)}`,
    requests,
    setFault: (fault) => {
      state.fault = fault;
    },
    close: async () => {
      server.close();
      server.closeAllConnections();
      await once(server, 'close');
    },
  };
};

const MANIFESTS = /\/manifests\//;
const BLOBS = /\/blobs\/sha256:/;

const says = (
  on: RegExp,
  status: number,
  headers: Readonly<Record<string, string>>,
  body: string,
): RegistryFault => ({
  on,
  answer: async (_request, response) => {
    response.writeHead(status, headers).end(body);
    return Promise.resolve();
  },
});

const errorBody = (code: string, message: string): string =>
  JSON.stringify({ errors: [{ code, message, detail: null }] });
const JSON_TYPE = { 'content-type': 'application/json' };

export const registryFaults = {
  rateLimit: (headers: Readonly<Record<string, string>> = {}): RegistryFault =>
    says(
      MANIFESTS,
      429,
      { ...JSON_TYPE, ...headers },
      errorBody('TOOMANYREQUESTS', 'You have reached your pull rate limit'),
    ),
  tokenExpired: (): RegistryFault =>
    says(
      MANIFESTS,
      401,
      { ...JSON_TYPE, 'www-authenticate': 'Basic realm="test"' },
      errorBody('UNAUTHORIZED', 'authentication required'),
    ),
  brokenGateway: (): RegistryFault =>
    says(/^\/v2\//, 502, { 'content-type': 'text/html' }, '<h1>Bad gateway</h1>'),
  webPage: (): RegistryFault =>
    says(/^\/v2\//, 200, { 'content-type': 'text/html' }, '<h1>Please log in</h1>'),
  /** Takes the connection and never says a word. */
  silence: (): RegistryFault => ({ on: /^\/v2\//, answer: async () => Promise.resolve() }),
  /** Half of what was promised, and then the connection is gone. */
  halfLayers: (): RegistryFault => ({
    on: BLOBS,
    answer: async (_request, response, origin) => {
      const answer = await origin();
      const chunks: Uint8Array[] = [];
      for await (const chunk of answer as AsyncIterable<Uint8Array>) chunks.push(chunk);
      const whole = Buffer.concat(chunks);
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      response.write(whole.subarray(0, Math.floor(whole.length / 2)), () => response.destroy());
    },
  }),
  /** One byte at a time, as long as the fault lasts; the rest comes at once. */
  trickle: (everyMs: number, isOver: () => boolean): RegistryFault => ({
    on: BLOBS,
    answer: async (_request, response, origin) => {
      const answer = await origin();
      response.writeHead(answer.statusCode ?? 502, answer.headers);
      for await (const chunk of answer as AsyncIterable<Uint8Array>) {
        let at = 0;
        for (; at < chunk.length && !isOver() && !response.destroyed; at += 1) {
          response.write(chunk.subarray(at, at + 1));
          await sleep(everyMs);
        }
        response.write(chunk.subarray(at));
      }
      response.end();
    },
  }),
  /** Another manifest than the one that was asked for. */
  lie: (digest: string): RegistryFault => ({
    on: MANIFESTS,
    answer: async ({ url = '' }, response, origin) =>
      passOn(response, await origin(url.replace(/[^/]*$/, digest))),
  }),
} as const;
