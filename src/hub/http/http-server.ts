import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import { createSecureContext } from 'node:tls';
import { AgentError, messageOf } from '../../core/errors.ts';
import { answerClientError } from './malformed-request.ts';
import { LONGEST_WAIT_SECONDS } from './held-requests.ts';
import { handshakeLate } from './late-handshake.ts';

/** PEM texts. */
export interface TlsFiles {
  readonly cert: string;
  readonly key: string;
}

export interface HttpServer {
  readonly server: Server;
  /** Applies to new connections. @throws AgentError CONFIG; then the old files stay in use. */
  readonly renewTls: (files: TlsFiles) => void;
  /** Lets the body of a request take any time, once its client may send it. */
  readonly allowTime: (request: IncomingMessage) => void;
}

/** The headers timeout cuts off clients that send their headers byte by byte. */
const GUARDS = {
  headersTimeout: 10_000,
  // `createBodyLimit` limits bodies, except for those that may take any time.
  requestTimeout: 0,
  connectionsCheckingInterval: 2000,
  keepAlive: true,
  keepAliveInitialDelay: 60_000,
} as const;
/** A body arrives within this time, unless the request got more. */
const BODY_MS = 60_000;

const createBodyLimit = () => {
  const timers = new WeakMap<IncomingMessage, NodeJS.Timeout>();
  return {
    begin: (request: IncomingMessage): void => {
      const { headers, socket } = request;
      const hasBody = headers['content-length'] !== undefined || headers['transfer-encoding'] !== undefined;
      if (!hasBody) return;
      const timer = setTimeout(() => {
        const late = Object.assign(new Error('too slow'), { code: 'ERR_HTTP_REQUEST_TIMEOUT' });
        if (!request.complete) answerClientError(late, socket);
      }, BODY_MS).unref();
      timers.set(request, timer);
      request.once('close', () => clearTimeout(timer));
    },
    lift: (request: IncomingMessage): void => clearTimeout(timers.get(request)),
  };
};
/** Beyond the limit, for clients with a token; those without one displace each other (clients.ts). */
const reserveOf = (connections: number): number => Math.ceil(connections / 10);

/** Longer than the time between two polls of an agent, so that the agent keeps its connection. */
const KEEP_ALIVE_MS = 75_000;
/** A connection without traffic for longer than the longest wait is dead. */
const SILENCE_MS = (LONGEST_WAIT_SECONDS + 30) * 1000;
const HANDSHAKE_MS = 10_000;

/** @throws AgentError CONFIG if the files are no certificate with its key. */
const check = (files: TlsFiles): TlsFiles => {
  try {
    createSecureContext({ ...files });
    return files;
  } catch (error) {
    throw new AgentError('CONFIG', `the certificate cannot be used: ${messageOf(error)}`, {
      cause: error,
      advice: 'give the PEM of the certificate (with its chain) and of the private key that belongs to it',
    });
  }
};

/** Makes the server itself, because the framework sets fewer limits. */
export const createHttpServer = (
  listener: RequestListener,
  { tls, connections }: { readonly tls: TlsFiles | undefined; readonly connections: number },
): HttpServer => {
  const secure: TlsServer | undefined =
    tls && createTlsServer({ ...GUARDS, ...check(tls), handshakeTimeout: HANDSHAKE_MS }, listener);
  if (secure) handshakeLate(secure, HANDSHAKE_MS);
  // An https server has every member used here; the two types have no common base.
  const server = (secure ?? createServer(GUARDS, listener)) as Server;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  server.setTimeout(SILENCE_MS);
  server.maxConnections = connections + reserveOf(connections);
  const bodies = createBodyLimit();
  server.prependListener('request', bodies.begin);
  return {
    server,
    renewTls: (files) => secure?.setSecureContext(check(files)),
    allowTime: bodies.lift,
  };
};
