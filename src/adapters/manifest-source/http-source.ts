import { RECONNECT_JITTER_MS } from '../../core/backoff.ts';
import { AgentError, messageOf } from '../../core/errors.ts';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import type { Fetched, Held, ManifestSource } from '../../core/ports/manifest-source.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import type { Connections } from '../../io/connections.ts';
import { exchange, showUrl, type Timeouts } from '../../io/http.ts';
import { describeFailures, retryAfterOf, type HubAnswer, type HubList } from '../../io/hub-failover.ts';
import { readAgentTlsFiles, type TlsFiles } from '../../io/tls-files.ts';
import { readCredentials } from './credentials.ts';
import { answerFailure, noneAnswers, transportFailure, unreachable } from './http-failure.ts';
import { createLastSeen } from './last-response.ts';
import { findDamage, isSettled } from './manifest-answer.ts';
import { reach, type Reached } from './redirects.ts';

/** `requestMs` covers everything, redirects included. */
type WholeTimeouts = Timeouts & { readonly requestMs: number };

export interface HttpSourceOptions {
  /** The manifest on each hub, or on one web server. */
  readonly hubs: HubList;
  /** SUPERCARGO_MANIFEST_CREDENTIALS: a file with `user:password`, `Bearer TOKEN` or a single token. */
  readonly credentialsFile?: string;
  readonly tls?: TlsFiles;
  readonly timeouts?: WholeTimeouts;
  /** How long the server should hold a long poll. */
  readonly holdSeconds?: number;
  readonly random?: () => number;
  /** Of all requests to the hubs; without it each opens a connection of its own. */
  readonly connections?: Connections;
}

const TIMEOUTS: WholeTimeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 30_000 };
/** Many proxies close silent connections after a minute. */
const HOLD_SECONDS = 50;
/** A holding server may answer up to this much early or late. */
const EARLY_MS = 1_000;
const LATE_MS = 10_000;
/**
 * One of this many reads is unconditional, so that a change under an unchanged ETag is found too; not at a
 * server that holds polls. Its ETags are digests, and one of several hubs must know what this host has: while
 * its database is away it would hand out an older document than another hub did.
 */
const UNCONDITIONAL_EVERY = 20;
/** RFC 9110, section 8.8.3; anything else could not be sent back as a header. */
const ETAG = /^(?:W\/)?"[\x21\x23-\x7e]*"$/;

/** The body of any other answer is not read. */
const maxBytesOf = (status: number): number => (status === 200 ? DOCUMENT_CAP_BYTES : 0);

const failed = (error: AgentError): Fetched => ({ kind: 'failed', error });
const answered = (value: Fetched): HubAnswer<Fetched> => ({ kind: 'answered', value });

/** The known version, and how long the server should wait for a change. */
interface Question {
  readonly known: string | undefined;
  readonly waitSeconds: number | undefined;
  readonly timeouts: WholeTimeouts;
}

type Answered = Extract<Reached, { kind: 'answer' }>;

/** Sends one request to one hub. `receive` judges the answer; any other outcome is a failure. */
const createAsk =
  (
    { credentialsFile, tls = {}, connections }: HttpSourceOptions,
    receive: (reached: Answered, q: Question) => HubAnswer<Fetched>,
  ) =>
  async (address: string, question: Question, signal: AbortSignal): Promise<HubAnswer<Fetched>> => {
    signal.throwIfAborted();
    const { known, waitSeconds, timeouts } = question;
    const url = new URL(address);
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
        exchange(
          { url: target, headers, tls: material, timeouts, ...(connections && { connections }) },
          maxBytesOf,
          both,
        );
      const reached = await reach(url, get);
      return reached.kind === 'lost' ? answered(failed(reached.error)) : receive(reached, question);
    } catch (error) {
      signal.throwIfAborted();
      // A file of this host cannot be read: another hub would not help.
      if (error instanceof AgentError) return answered(failed(error));
      if (!limit.aborted) {
        const value = failed(transportFailure(url, error));
        return { kind: 'unreachable', value, reason: messageOf(error) };
      }
      const advice = 'look at the server and the network between; the agent tries again by itself';
      const reason = `no complete answer within ${timeouts.requestMs / 1000} s`;
      return { kind: 'unreachable', value: failed(unreachable(url, reason, advice)), reason };
    }
  };

/** A manifest on a web server, or on several hubs. Proxies of the environment are ignored. */
export const createHttpSource = (options: HttpSourceOptions): ManifestSource => {
  const { hubs, credentialsFile, timeouts = TIMEOUTS, holdSeconds = HOLD_SECONDS } = options;
  const { random = Math.random } = options;
  const isOneOfSeveral = hubs.addresses.length > 1;
  const lastSeen = createLastSeen();
  let etag: string | undefined;
  let conditionalReads = 0;
  let wasHeld = false;
  let holdsPolls = false;
  /** The running fetch, and what ends a long poll before the next fetch. */
  let fetching: Promise<unknown> = Promise.resolve();
  let interruption = new AbortController();

  const receive = ({ url, answer }: Answered, { known, waitSeconds }: Question): HubAnswer<Fetched> => {
    const { status } = answer;
    wasHeld =
      waitSeconds !== undefined && /(?:^|[,;\s])wait\b/i.test(answer.header('preference-applied') ?? '');
    holdsPolls ||= wasHeld;
    if (status === 304 && known !== undefined) {
      conditionalReads += 1;
      return answered({ kind: 'unchanged' });
    }
    if (status !== 200) {
      const error = answerFailure(url, status, credentialsFile !== undefined);
      const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
      const value: Fetched = { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
      return status < 500
        ? answered(value)
        : { kind: 'failing', value, reason: `it answered ${String(status)}`, retryAfterMs };
    }
    const damage = findDamage(answer, url);
    // What a proxy before one hub has damaged, another hub may give whole.
    if (damage) return { kind: 'failing', value: failed(damage), reason: messageOf(damage) };
    const sent = answer.header('etag');
    etag = sent !== undefined && ETAG.test(sent) && isSettled(answer) ? sent : undefined;
    conditionalReads = known === undefined ? 0 : conditionalReads + 1;
    const seen = lastSeen.compare(answer.body);
    return answered(seen.kind === 'document' && isOneOfSeveral ? { ...seen, from: showUrl(url) } : seen);
  };
  const send = createAsk(options, receive);
  const known = (): string | undefined =>
    holdsPolls || conditionalReads + 1 < UNCONDITIONAL_EVERY ? etag : undefined;

  const ask = async (
    question: Question,
    signal: AbortSignal,
    goesOn?: (isNews: boolean) => boolean,
  ): Promise<Fetched> => {
    const result = await hubs.ask((address) => send(address, question, signal), goesOn);
    if (result.kind === 'answered') return result.value;
    const { failures } = result;
    const [{ value }] = failures;
    if (failures.length === 1) return value;
    const advice = value.kind === 'failed' ? value.error.advice : undefined;
    const error = noneAnswers(describeFailures(failures), advice);
    return { kind: 'failed', error, ...retryAfterOf(failures) };
  };

  /** The hosts of a dead hub must not come to another one within the same moment. */
  const spread = (fetched: Extract<Fetched, { kind: 'failed' }>): Fetched => ({
    ...fetched,
    retryAfterMs: Math.max(fetched.retryAfterMs ?? 0, Math.floor(random() * RECONNECT_JITTER_MS)),
  });

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
      const fetched = await ask(
        { known: version, waitSeconds: holdSeconds, timeouts: holdTimeouts },
        both,
        // All hosts of a hub see its death at once; one that was known is passed over.
        (isNews) => !isNews,
      );
      if (fetched.kind === 'failed' && isOneOfSeveral) return spread(fetched);
      const isInTime = performance.now() - startedMs >= holdMs - EARLY_MS;
      if (fetched.kind !== 'unchanged' || wasHeld || isInTime) return fetched;
      holdsPolls = false;
      return { kind: 'unsupported' };
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
