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
  /** How long the server is asked to hold a long poll. */
  readonly holdSeconds?: number;
}

const TIMEOUTS: WholeTimeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 30_000 };
/** Proxies give up silent connections, many of them after a minute. */
const HOLD_SECONDS = 50;
/** A server that holds a request answers a moment late rather than early. */
const EARLY_MS = 1_000;
const LATE_MS = 10_000;
const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** Whatever a server makes its ETags of: what it hides behind one is seen after so many reads. */
const UNCONDITIONAL_EVERY = 20;
/** `Last-Modified` and `Date` are whole seconds, and need not be of the same clock tick. */
const SETTLED_MS = 2_000;
/** RFC 9110, section 8.8.3; anything else could not be sent back as a header. */
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

/** The body of any other answer is not read. */
const maxBytesOf = (status: number): number => (status === 200 ? DOCUMENT_CAP_BYTES : 0);

const failed = (error: AgentError): Fetched => ({ kind: 'failed', error });

/** Where a redirect leads; undefined for one that leads to another origin or nowhere. */
const followedUrl = (answer: HttpAnswer, from: URL): URL | undefined => {
  const location = answer.header('location');
  const target = location === undefined ? null : URL.parse(location, from.href);
  const isSameOrigin = target?.origin === from.origin && target.username === '' && target.password === '';
  return isSameOrigin ? target : undefined;
};

type Reached =
  | { readonly kind: 'answer'; readonly url: URL; readonly answer: HttpAnswer }
  | { readonly kind: 'lost'; readonly error: AgentError };

/**
 * Reads through redirects of one origin; another origin would be given the credentials and a say in what runs
 * here.
 */
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

/** Why an answer of 200 cannot be trusted to be whole. */
const findDamage = ({ header, body }: HttpAnswer, url: URL): AgentError | undefined => {
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

/**
 * Whether the answer's ETag will name other bytes only by another ETag. nginx makes it of mtime in seconds
 * and size: of two publishes in one second it gives both the same, so it counts only once that second is over
 * (RFC 9110, 8.8.2.2). No time: it is trusted.
 */
const isSettled = ({ header }: HttpAnswer): boolean => {
  const modifiedMs = Date.parse(header('last-modified') ?? '');
  const ageMs = Date.parse(header('date') ?? '') - modifiedMs;
  return Number.isNaN(modifiedMs) || ageMs >= SETTLED_MS;
};

/** What is asked, beside where: the version that is known, and how long a change is waited for. */
interface Question {
  readonly known: string | undefined;
  readonly waitSeconds: number | undefined;
  readonly timeouts: WholeTimeouts;
}

/** Asks once. `receive` judges the answer; everything else is a failure in words. */
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
        return failed(unreachable(url, `no whole answer within ${timeouts.requestMs} ms`, advice));
      }
      return failed(transportFailure(url, error));
    }
  };

type Answered = Extract<Reached, { kind: 'answer' }>;

/** A manifest on a web server. Proxies of the environment are ignored: the URL says where it is. */
export const createHttpSource = (options: HttpSourceOptions): ManifestSource => {
  const { credentialsFile, timeouts = TIMEOUTS, holdSeconds = HOLD_SECONDS } = options;
  const lastSeen = createLastSeen();
  let etag: string | undefined;
  let conditionalReads = 0;
  let wasHeld = false;
  /** The look that is under way, and what ends a long poll before the next one. */
  let looking: Promise<unknown> = Promise.resolve();
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

  /** Never beside a look: of two answers on their way the older one could come last. */
  const hold = async (signal: AbortSignal): Promise<Held> => {
    await looking;
    signal.throwIfAborted();
    if (etag === undefined) return { kind: 'unready' };
    const version = known();
    const { signal: interrupted } = interruption;
    const both = AbortSignal.any([signal, interrupted]);
    const holdMs = holdSeconds * 1000;
    const patience = { ...timeouts, responseMs: holdMs + LATE_MS, requestMs: holdMs + timeouts.requestMs };
    const startedMs = performance.now();
    try {
      // The look without condition that is due now and then is not held: it has nothing to wait for.
      if (version === undefined) return await ask({ known: version, waitSeconds: undefined, timeouts }, both);
      const fetched = await ask({ known: version, waitSeconds: holdSeconds, timeouts: patience }, both);
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
      looking = asked.catch(() => undefined);
      return asked;
    },
  };
};
