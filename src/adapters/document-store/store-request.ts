import { exchange, type HttpAnswer, type HttpRequest, type Timeouts } from '../../io/http.ts';
import type { TlsMaterial } from '../../io/tls-files.ts';
import { transportError } from './http-error.ts';
import { createPatience, type Patience } from './store-patience.ts';

export interface HttpStoreOptions {
  readonly base: URL;
  /** The value of the `Authorization` header; undefined without a login. */
  readonly authorization: string | undefined;
  /** The same for reading, where that needs another token. */
  readonly readAuthorization?: string | undefined;
  readonly tls: TlsMaterial;
  /** Of all requests to this server. */
  readonly patience?: Patience;
}

export type StoreRequest = Pick<HttpRequest, 'method' | 'body'> & {
  readonly headers?: HttpRequest['headers'];
};

/** One HTTP server, with the login and the certificates for it. */
export interface StoreServer {
  readonly urlOf: (path: string) => URL;
  /** `verb` completes "cannot …". @throws AgentError STORE if no answer arrives */
  readonly send: (
    verb: string,
    path: string,
    request: StoreRequest,
    maxBytes: number,
    signal: AbortSignal,
  ) => Promise<HttpAnswer>;
}

/** The statuses of a missing document. */
export const ABSENT: ReadonlySet<number> = new Set([404, 410]);
export const DONE: ReadonlySet<number> = new Set([200, 201, 204]);

const CONNECT_MS = 10_000;
const TIMEOUTS: Timeouts = { connectMs: CONNECT_MS, responseMs: 30_000, requestMs: 120_000 };
/** A large file may take any time as long as bytes move; the server may check it before it answers. */
const UPLOAD_TIMEOUTS: Timeouts = { connectMs: CONNECT_MS, silenceMs: 600_000 };

const isUpload = ({ body }: StoreRequest): boolean =>
  body !== undefined && typeof body !== 'string' && !(body instanceof Uint8Array);

const isRead = ({ method = 'GET' }: StoreRequest): boolean => method === 'GET' || method === 'HEAD';

/** A second one of the same bytes does no harm. A stream cannot be sent twice. */
const isRepeatable = (request: StoreRequest): boolean => {
  const { method, body, headers = {} } = request;
  if (isRead(request)) return true;
  const isConditional = 'if-match' in headers || 'if-none-match' in headers;
  return method === 'PUT' && body instanceof Uint8Array && isConditional;
};

export const createStoreServer = ({
  base,
  authorization: toWrite,
  readAuthorization: toRead = toWrite,
  tls,
  patience = createPatience(),
}: HttpStoreOptions): StoreServer => {
  const urlOf = (path: string): URL => new URL(`${base.href.replace(/\/*$/, '/')}${path}`);
  return {
    urlOf,
    send: async (verb, path, request, maxBytes, signal) => {
      const url = urlOf(path);
      const authorization = isRead(request) ? toRead : toWrite;
      const headers = { ...(authorization !== undefined && { authorization }), ...request.headers };
      const timeouts = isUpload(request) ? UPLOAD_TIMEOUTS : TIMEOUTS;
      const sendOnce = async () =>
        exchange({ ...request, url, tls, headers, timeouts }, () => maxBytes, signal);
      try {
        return await (isRepeatable(request) ? patience.send(sendOnce, signal) : sendOnce());
      } catch (error) {
        signal.throwIfAborted();
        throw transportError(verb, url, error);
      }
    },
  };
};
