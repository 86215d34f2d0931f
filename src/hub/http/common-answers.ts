import type { FastifyInstance } from 'fastify';
import { AgentError, messageOf } from '../../core/errors.ts';
import { refusal } from '../../core/hub/refusal.ts';
import { countAnswer } from '../counters.ts';
import type { HubContext } from '../hub-context.ts';
import { closeUnread } from './request-guard.ts';
import { notFound, refusalOfError, refuse } from './responses.ts';
import { createThrottle } from '../throttle.ts';

const HEADERS = { 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer' } as const;
const nothingHere = notFound('there is nothing at this address');
const DATA_POLICY = "default-src 'none'; frame-ancestors 'none'";

interface FrameworkError {
  readonly statusCode?: number;
  readonly message: string;
}

/** While a store is away every request of every host fails for the same reason. */
const AWAY_MS = 60_000;

const isAway = (error: unknown): boolean =>
  error instanceof AgentError && error.code === 'STORE' && error.retry === 'later';

/** What the answers of all routes have in common. Returns what ends it. */
export const addCommonAnswers = (app: FastifyInstance, { counters, log }: HubContext): (() => void) => {
  const away = createThrottle(AWAY_MS, (message) => log.write('error', 'hub.failed', { message }));
  app.removeAllContentTypeParsers();
  app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
  app.addHook('onRequest', (request, reply, done) => {
    reply.headers(HEADERS);
    reply.header('content-security-policy', DATA_POLICY);
    if (request.is404) {
      closeUnread(request, reply);
      refuse(reply, nothingHere);
      return;
    }
    if (request.headers['content-encoding'] === undefined) return done();
    const packed = refusal(
      415,
      'encoding',
      'the hub accepts no encoded bodies',
      'send the body without Content-Encoding',
    );
    refuse(reply, packed);
  });
  app.addHook('onResponse', (request, reply, done) => {
    countAnswer(counters, request.method, reply.statusCode);
    done();
  });
  app.setNotFoundHandler((_request, reply) => refuse(reply, nothingHere));
  app.setErrorHandler((error: FrameworkError, request, reply) => {
    const status = error.statusCode ?? 500;
    if (status === 413)
      return refuse(
        reply,
        refusal(413, 'too-large', 'the body is too large', 'documents have at most 256 KiB'),
      );
    if (status < 500)
      return refuse(reply, refusal(status, 'malformed', error.message, 'correct the request'));
    if (error instanceof AgentError && error.code === 'STORE') counters.failedWrites += 1;
    const message = messageOf(error);
    if (isAway(error)) away.signal(message);
    else log.write('error', 'hub.failed', { method: request.method, path: request.url, message });
    refuse(reply, refusalOfError(error));
  });
  return away.close;
};
