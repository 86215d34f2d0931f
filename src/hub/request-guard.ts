import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import type { Refusal } from '../core/hub/refusal.ts';
import type { Clients } from './clients.ts';
import { refuse } from './responses.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** An unread body would block the connection. */
export const closeUnread = ({ method }: FastifyRequest, reply: FastifyReply): void => {
  if (method !== 'GET' && method !== 'HEAD') reply.header('connection', 'close');
};

type Judge = (headers: IncomingHttpHeaders, request: FastifyRequest) => Refusal | undefined;
export type Guard = (judge: Judge) => Hook;

/**
 * Judges a request before its body is read, so that a client without permission cannot fill the memory. A
 * request that would be refused without its token proves that the client has one.
 */
export const createGuard =
  ({ isTrusted, trust }: Clients): Guard =>
  (judge) =>
  (request, reply, done) => {
    const objection = judge(request.headers, request);
    if (objection !== undefined) {
      closeUnread(request, reply);
      refuse(reply, objection);
      return;
    }
    const { socket } = request.raw;
    const anonymous = { ...request.headers, authorization: undefined, cookie: undefined };
    if (!isTrusted(socket) && judge(anonymous, request) !== undefined) trust(socket);
    done();
  };

/** Sends a small document that is built for each request. */
export const json = (reply: FastifyReply, document: unknown): void => {
  void reply
    .header('cache-control', 'no-cache')
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify(document)}\n`);
};
