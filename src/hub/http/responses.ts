import type { FastifyReply, FastifyRequest } from 'fastify';
import { toAgentError, type AgentError } from '../../core/errors.ts';
import { isKnown, preferredWait, type Conditions } from '../../core/hub/conditional-request.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import { LONGEST_WAIT_SECONDS, type Waiting } from './held-requests.ts';

export const conditionsOf = ({ headers }: FastifyRequest): Conditions => ({
  ifMatch: headers['if-match'],
  ifNoneMatch: headers['if-none-match'],
});

/** `{"error":{code, message, advice}}` */
export const refuse = (reply: FastifyReply, refused: Refusal): void => {
  const { status, code, message, advice, retryAfterSeconds } = refused;
  if (status === 401) reply.header('www-authenticate', 'Bearer realm="supercargo"');
  if (retryAfterSeconds !== undefined) reply.header('retry-after', retryAfterSeconds);
  void reply
    .code(status)
    .header('cache-control', 'no-store')
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify({ error: { code, message, advice } })}\n`);
};

export const notFound = (what: string): Refusal =>
  refusal(404, 'not-found', what, 'check the address: docs/HUB.md lists what the hub serves');

const NO_SPACE: readonly unknown[] = ['ENOSPC', 'EDQUOT'];
/** A database has another primary within half a minute, and clients try again for longer. */
const RETRY_SECONDS = 5;

/** A store that can be used for the moment neither for reads nor for writes. */
export const storeIsAway = ({ message, advice }: AgentError): Refusal => ({
  ...refusal(503, 'store', message, advice ?? 'try again in a moment; look into the log of the hub'),
  retryAfterSeconds: RETRY_SECONDS,
});

/** The response for an unhandled error. An unexpected one is hidden: it may contain a path or a secret. */
export const refusalOfError = (thrown: unknown): Refusal => {
  const error: AgentError = toAgentError(thrown);
  if (error.code === 'INTERNAL')
    return refusal(500, 'internal', 'the hub failed', 'look into the log of the hub');
  const isFull = NO_SPACE.includes(error.fields['code']);
  if (error.code === 'STORE' && error.retry === 'later' && !isFull) return storeIsAway(error);
  return refusal(
    isFull ? 507 : 500,
    error.code.toLowerCase(),
    error.message,
    error.advice ?? 'look into the log of the hub',
  );
};

/** Response to a GET: a tag to compare, and the bytes if they are needed. */
export interface Served {
  readonly tag: string;
  readonly cacheControl: string;
  /** Rejects with an AgentError. */
  readonly body: () => Uint8Array | Promise<Uint8Array | Refusal>;
}

const sendBody = (
  reply: FastifyReply,
  { tag, cacheControl }: Served,
  body: Uint8Array | Refusal | undefined,
): void => {
  if (body !== undefined && !(body instanceof Uint8Array)) return refuse(reply, body);
  reply.header('etag', tag).header('cache-control', cacheControl);
  if (body === undefined) void reply.code(304).send();
  else void reply.code(200).type('application/json; charset=utf-8').send(Buffer.from(body));
};

/** Sends the bytes, or 304 to a reader that has them. */
export const sendServed = (request: FastifyRequest, reply: FastifyReply, served: Served): void => {
  if (isKnown(conditionsOf(request), served.tag)) return sendBody(reply, served, undefined);
  const body = served.body();
  if (body instanceof Uint8Array) return sendBody(reply, served, body);
  body.then(
    (read) => sendBody(reply, served, read),
    (error: unknown) => void reply.send(error),
  );
};

export interface Holding {
  readonly waiting: Waiting;
  readonly topic: string;
  /** Reads the document; undefined if there is none. */
  readonly read: () => Served | undefined;
  readonly absent: Refusal;
  /** Whether the reader already knows all news, so that its request may wait. */
  readonly isWorthHolding: (conditions: Conditions, served: Served) => boolean;
}

/** Responds at once, or with `Prefer: wait=N` after a change or the given time. */
export const answerOrHold = (request: FastifyRequest, reply: FastifyReply, holding: Holding): void => {
  const { waiting, topic, read, absent, isWorthHolding } = holding;
  const answer = (): void => {
    const served = read();
    if (served) sendServed(request, reply, served);
    else refuse(reply, absent);
  };
  const seconds = preferredWait(preferOf(request), LONGEST_WAIT_SECONDS);
  const served = read();
  if (seconds === undefined || !served || !isWorthHolding(conditionsOf(request), served)) {
    answer();
    return;
  }
  const release = waiting.hold(topic, seconds, (end) => {
    reply.header('preference-applied', `wait=${String(seconds)}`);
    if (end === 'closing') reply.header('connection', 'close');
    answer();
  });
  reply.raw.once('close', release);
};

const preferOf = ({ headers }: FastifyRequest): string | undefined => {
  const { prefer } = headers;
  return Array.isArray(prefer) ? prefer.join(',') : prefer;
};

/** The raw body; every route judges its own bytes. */
export const bytesOf = ({ body }: FastifyRequest): Uint8Array =>
  body instanceof Uint8Array ? body : new Uint8Array();

/** A parameter of the matched route. */
export const partOf = ({ params }: FastifyRequest, name: string): string => {
  const value = (params as Readonly<Record<string, unknown>>)[name];
  return typeof value === 'string' ? value : '';
};
