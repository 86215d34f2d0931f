import { AgentError } from '../../core/errors.ts';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import type { Fetched, ManifestSource } from '../../core/ports/manifest-source.ts';
import { readCredentials } from './credentials.ts';
import { answerFailure, transportFailure, unreachable } from './http-failure.ts';
import { createLastSeen } from './last-seen.ts';
import { request } from './request.ts';
import type { Answer, Timeouts } from './request.ts';
import { parseRetryAfter } from './retry-after.ts';
import { readTlsFiles } from './tls-files.ts';
import type { TlsFiles } from './tls-files.ts';

export interface HttpSourceOptions {
  readonly url: URL;
  /** SUPERCARGO_MANIFEST_CREDENTIALS: a file with `user:password`, `Bearer TOKEN` or a single token. */
  readonly credentialsFile?: string;
  readonly tls?: TlsFiles;
  readonly timeouts?: Timeouts;
}

const TIMEOUTS: Timeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 30_000 };
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** nginx's ETag is mtime and size: two publishes in one second can share it, and a poller would never see the second. */
const UNCONDITIONAL_EVERY = 20;
/** RFC 9110, section 8.8.3; anything else could not be sent back as a header. */
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

const failed = (error: AgentError): Fetched => ({ kind: 'failed', error });

/** Where a redirect leads; undefined for one that leads to another origin or nowhere. */
const followedUrl = (answer: Answer, from: URL): URL | undefined => {
  const location = answer.header('location');
  const target = location === undefined ? null : URL.parse(location, from.href);
  const isSameOrigin = target?.origin === from.origin && target.username === '' && target.password === '';
  return isSameOrigin ? target : undefined;
};

type Reached =
  | { readonly kind: 'answer'; readonly url: URL; readonly answer: Answer }
  | { readonly kind: 'lost'; readonly error: AgentError };

/** Reads through redirects of one origin; another origin would be given the credentials and a say in what runs here. */
const reach = async (first: URL, get: (url: URL) => Promise<Answer>): Promise<Reached> => {
  let url = first;
  for (let hops = 0; hops <= MAX_REDIRECTS; hops += 1) {
    const answer = await get(url);
    if (!REDIRECTS.has(answer.status)) return { kind: 'answer', url, answer };
    const next = followedUrl(answer, url);
    if (next === undefined) {
      const advice = 'set SUPERCARGO_MANIFEST_URL to the address it redirects to, if you trust that server';
      return { kind: 'lost', error: unreachable(url, 'it redirects to another server', advice) };
    }
    url = next;
  }
  const advice = 'look at the redirects of the server, or set SUPERCARGO_MANIFEST_URL to the last address';
  return { kind: 'lost', error: unreachable(first, `more than ${MAX_REDIRECTS} redirects`, advice) };
};

/** Why an answer of 200 cannot be trusted to be whole. */
const findDamage = ({ header, body }: Answer, url: URL): AgentError | undefined => {
  const encoding = header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    const advice = 'let the server send manifests uncompressed';
    return unreachable(
      url,
      `the answer is compressed (${encoding.slice(0, 20)}) though that was not asked for`,
      advice,
    );
  }
  const announced = header('content-length');
  const isWhole =
    announced === undefined || body.length > DOCUMENT_CAP_BYTES || Number(announced) === body.length;
  if (isWhole) return undefined;
  return unreachable(
    url,
    `${body.length} of ${announced} bytes arrived`,
    'look at the server and the proxies between',
  );
};

/** A manifest on a web server. Proxies of the environment are ignored: the URL says where it is. */
export const createHttpSource = (options: HttpSourceOptions): ManifestSource => {
  const { url, credentialsFile, tls = {}, timeouts = TIMEOUTS } = options;
  const lastSeen = createLastSeen();
  let etag: string | undefined;
  let conditionalReads = 0;

  const receive = (reached: { url: URL; answer: Answer }, isConditional: boolean): Fetched => {
    const { answer } = reached;
    if (answer.status === 304 && isConditional) {
      conditionalReads += 1;
      return { kind: 'unchanged' };
    }
    if (answer.status !== 200) {
      const error = answerFailure(reached.url, answer.status, credentialsFile !== undefined);
      const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
      return { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    const damage = findDamage(answer, reached.url);
    if (damage) return failed(damage);
    const sent = answer.header('etag');
    etag = sent !== undefined && ETAG.test(sent) ? sent : undefined;
    conditionalReads = isConditional ? conditionalReads + 1 : 0;
    return lastSeen.compare(answer.body);
  };

  return {
    fetch: async (signal) => {
      signal.throwIfAborted();
      const limit = AbortSignal.timeout(timeouts.requestMs);
      const both = AbortSignal.any([signal, limit]);
      const known = conditionalReads + 1 < UNCONDITIONAL_EVERY ? etag : undefined;
      try {
        const headers = {
          ...(known === undefined ? { 'cache-control': 'no-cache' } : { 'if-none-match': known }),
          ...(credentialsFile !== undefined && {
            authorization: await readCredentials(credentialsFile, both),
          }),
        };
        const material = await readTlsFiles(tls, both);
        const get = (target: URL) => request({ url: target, headers, tls: material, timeouts }, both);
        const reached = await reach(url, get);
        return reached.kind === 'lost' ? failed(reached.error) : receive(reached, known !== undefined);
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof AgentError) return failed(error);
        if (limit.aborted) {
          const advice = 'look at the server and the network between; the agent tries again by itself';
          return failed(unreachable(url, `no whole answer within ${timeouts.requestMs} ms`, advice));
        }
        return failed(transportFailure(url, error));
      }
    },
  };
};
