import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from '../core/hub/refusal.ts';
import { refuse } from './responses.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Judges a request before its body is read, so that a client without permission cannot fill the memory. */
export const guard =
  (judge: (headers: IncomingHttpHeaders, request: FastifyRequest) => Refusal | undefined): Hook =>
  (request, reply, done) => {
    const objection = judge(request.headers, request);
    if (objection === undefined) return done();
    // An unread body would block the connection.
    if (request.method !== 'GET' && request.method !== 'HEAD') reply.header('connection', 'close');
    refuse(reply, objection);
  };

/** Sends a small document that is built for each request. */
export const json = (reply: FastifyReply, document: unknown): void => {
  void reply
    .header('cache-control', 'no-cache')
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify(document)}\n`);
};
