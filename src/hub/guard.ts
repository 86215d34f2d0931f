import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from '../core/hub/refusal.ts';
import { refuse } from './responses.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** Before the body is read: who may not write sends nothing into our memory. */
export const guard =
  (judge: (headers: IncomingHttpHeaders, request: FastifyRequest) => Refusal | undefined): Hook =>
  (request, reply, done) => {
    const objection = judge(request.headers, request);
    if (objection === undefined) return done();
    // A body that nobody will read would hold the connection.
    if (request.method !== 'GET' && request.method !== 'HEAD') reply.header('connection', 'close');
    refuse(reply, objection);
  };

/** A small document that is made anew for each reader. */
export const json = (reply: FastifyReply, document: unknown): void => {
  void reply
    .header('cache-control', 'no-cache')
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify(document)}\n`);
};
