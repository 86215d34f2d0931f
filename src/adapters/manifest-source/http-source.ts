import { AgentError } from '../../core/errors.ts';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import type { Fetched, Held, ManifestSource } from '../../core/ports/manifest-source.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { exchange, type HttpAnswer, type Timeouts } from '../../io/http.ts';
import { readAgentTlsFiles, type TlsFiles } from '../../io/tls-files.ts';
import { readCredentials } from './credentials.ts';
import { answerFailure, transportFailure, unreachable } from './http-failure.ts';
import { createLastSeen } from './last-response.ts';

/** `requestMs` covers everything, redirects included. */
type WholeTimeouts = Timeouts & { readonly requestMs: number };

export interface HttpSourceOptions {
  readonly url: URL;
  /** SUPERCARGO_MANIFEST_CREDENTIALS: a file with `user:password`, `Bearer TOKEN` or a single token. */
  readonly credentialsFile?: string;
  readonly tls?: TlsFiles;
  readonly timeouts?: WholeTimeouts;
  /** How long the server should hold a long poll. */
  readonly holdSeconds?: number;
}

const TIMEOUTS: WholeTimeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 30_000 };
/** Many proxies close silent connections after a minute. */
const HOLD_SECONDS = 50;
/** A holding server may answer up to this much early or late. */
const EARLY_MS = 1_000;
const LATE_MS = 10_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** One of this many reads is unconditional, so that a change under an unchanged ETag is found too. */
const UNCONDITIONAL_EVERY = 20;
/** `Last-Modified` and `Date` are whole seconds, and may come from different clock ticks. */
const SETTLED_MS = 2_000;
/** RFC 9110, section 8.8.3; anything else could not be sent back as a header. */
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

/** The body of any other answer is not read. */
const maxBytesOf = (status: number): number => (status === 200 ? DOCUMENT_CAP_BYTES : 0);

const failed = (error: AgentError): Fetched => ({ kind: 'failed', error });

/** The target of a redirect; undefined for another origin or no target. */
const followedUrl = (answer: HttpAnswer, from: URL): URL | undefined => {
  const location = answer.header('location');
  const target = location === undefined ? null : URL.parse(location, from.href);
  const isSameOrigin = target?.origin === from.origin && target.username === '' && target.password === '';
  return isSameOrigin ? target : undefined;
};

type Reached =
  | { readonly kind: 'answer'; readonly url: URL; readonly answer: HttpAnswer }
  | { readonly kind: 'lost'; readonly error: AgentError };

/** Follows redirects in one origin; another origin would get the credentials and decide what runs here. */
const reach = async (first: URL, get: (url: URL) => Promise<HttpAnswer>): Promise<Reached> => {
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

/** Finds out whether a response with status 200 is damaged. */
const findDamage = ({ header, body }: HttpAnswer, url: URL): AgentError | undefined => {
  const encoding = header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    const advice = 'let the server send manifests uncompressed';
    return unreachable(
      url,
      `the answer is compressed (${encoding.slice(0, 20)}) without a request for it`,
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

/**
 * Whether any later content will have another ETag. nginx makes ETags of mtime in seconds and size, so two
 * publishes in one second can share one; it counts only once that second is over (RFC 9110, 8.8.2.2). An ETag
 * without Last-Modified is trusted.
 */
const isSettled = ({ header }: HttpAnswer): boolean => {
  const modifiedMs = Date.parse(header('last-modified') ?? '');
  const ageMs = Date.parse(header('date') ?? '') - modifiedMs;
  return Number.isNaN(modifiedMs) || ageMs >= SETTLED_MS;
};

/** The known version, and how long the server should wait for a change. */
interface Question {
  readonly known: string | undefined;
  readonly waitSeconds: number | undefined;
  readonly timeouts: WholeTimeouts;
}

/** Sends one request. `receive` judges the answer; any other outcome is a failure. */
const createAsk =
  (
    { url, credentialsFile, tls = {} }: HttpSourceOptions,
    receive: (reached: Answered, q: Question) => Fetched,
  ) =>
  async (question: Question, signal: AbortSignal): Promise<Fetched> => {
    signal.throwIfAborted();
    const { known, waitSeconds, timeouts } = question;
    const limit = AbortSignal.timeout(timeouts.requestMs);
    const both = AbortSignal.any([signal, limit]);
    try {
      const headers = {
        ...(known === undefined ? { 'cache-control': 'no-cache' } : { 'if-none-match': known }),
        ...(waitSeconds !== undefined && { prefer: `wait=${String(waitSeconds)}` }),
        ...(credentialsFile !== undefined && {
          authorization: await readCredentials(credentialsFile, both),
        }),
      };
      const material = await readAgentTlsFiles(tls, both);
      const get = (target: URL) =>
        exchange({ url: target, headers, tls: material, timeouts }, maxBytesOf, both);
      const reached = await reach(url, get);
      return reached.kind === 'lost' ? failed(reached.error) : receive(reached, question);
    } catch (error) {
      signal.throwIfAborted();
      if (error instanceof AgentError) return failed(error);
      if (limit.aborted) {
        const advice = 'look at the server and the network between; the agent tries again by itself';
        return failed(unreachable(url, `no complete answer within ${timeouts.requestMs / 1000} s`, advice));
      }
      return failed(transportFailure(url, error));
    }
  };

type Answered = Extract<Reached, { kind: 'answer' }>;

/** A manifest on a web server. Proxies of the environment are ignored. */
export const createHttpSource = (options: HttpSourceOptions): ManifestSource => {
  const { credentialsFile, timeouts = TIMEOUTS, holdSeconds = HOLD_SECONDS } = options;
  const lastSeen = createLastSeen();
  let etag: string | undefined;
  let conditionalReads = 0;
  let wasHeld = false;
  /** The running fetch, and what ends a long poll before the next fetch. */
  let fetching: Promise<unknown> = Promise.resolve();
  let interruption = new AbortController();

  const receive = ({ url, answer }: Answered, { known, waitSeconds }: Question): Fetched => {
    wasHeld =
      waitSeconds !== undefined && /(?:^|[,;\s])wait\b/i.test(answer.header('preference-applied') ?? '');
    if (answer.status === 304 && known !== undefined) {
      conditionalReads += 1;
      return { kind: 'unchanged' };
    }
    if (answer.status !== 200) {
      const error = answerFailure(url, answer.status, credentialsFile !== undefined);
      const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
      return { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    }
    const damage = findDamage(answer, url);
    if (damage) return failed(damage);
    const sent = answer.header('etag');
    etag = sent !== undefined && ETAG.test(sent) && isSettled(answer) ? sent : undefined;
    conditionalReads = known === undefined ? 0 : conditionalReads + 1;
    return lastSeen.compare(answer.body);
  };
  const ask = createAsk(options, receive);
  const known = (): string | undefined => (conditionalReads + 1 < UNCONDITIONAL_EVERY ? etag : undefined);

  /** Never runs beside a fetch, because the older of two answers could arrive last. */
  const hold = async (signal: AbortSignal): Promise<Held> => {
    await fetching;
    signal.throwIfAborted();
    if (etag === undefined) return { kind: 'unready' };
    const version = known();
    const { signal: interrupted } = interruption;
    const both = AbortSignal.any([signal, interrupted]);
    const holdMs = holdSeconds * 1000;
    const holdTimeouts = {
      ...timeouts,
      responseMs: holdMs + LATE_MS,
      requestMs: holdMs + timeouts.requestMs,
    };
    const startedMs = performance.now();
    try {
      // An unconditional read is not held, because it names no version to wait for a change of.
      if (version === undefined) return await ask({ known: version, waitSeconds: undefined, timeouts }, both);
      const fetched = await ask({ known: version, waitSeconds: holdSeconds, timeouts: holdTimeouts }, both);
      const isInTime = performance.now() - startedMs >= holdMs - EARLY_MS;
      return fetched.kind === 'unchanged' && !wasHeld && !isInTime ? { kind: 'unsupported' } : fetched;
    } catch (error) {
      signal.throwIfAborted();
      if (interrupted.aborted) return { kind: 'interrupted' };
      throw error;
    }
  };

  return {
    hold,
    fetch: async (signal) => {
      interruption.abort();
      interruption = new AbortController();
      const asked = ask({ known: known(), waitSeconds: undefined, timeouts }, signal);
      fetching = asked.catch(() => undefined);
      return asked;
    },
  };
};
