import type { FastifyReply, FastifyRequest } from 'fastify';
import type { IncomingHttpHeaders } from 'node:http';
import { environmentOfFile } from '../../core/hub/file-names.ts';
import type { Refusal } from '../../core/hub/refusal.ts';
import { isEnvironmentName } from '../../core/manifest/schema.ts';
import type { Scope } from '../token-scope.ts';
import type { Clients } from './clients.ts';
import { partOf, refuse } from './responses.ts';

type Hook = (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;

/** An unread body would block the connection. */
export const closeUnread = ({ method }: FastifyRequest, reply: FastifyReply): void => {
  if (method !== 'GET' && method !== 'HEAD') reply.header('connection', 'close');
};

/** The environment in the address. An address without one concerns all of them. */
const scopeOf = (request: FastifyRequest): Scope => {
  const name = partOf(request, 'environment') || environmentOfFile(partOf(request, 'file'));
  return name !== undefined && isEnvironmentName(name) ? { environment: name } : 'all';
};

type Judge = (headers: IncomingHttpHeaders, scope: Scope, request: FastifyRequest) => Refusal | undefined;
export type Guard = (judge: Judge) => Hook;

/**
 * Judges a request before its body is read, so that a client without permission cannot fill the memory. A
 * request that would be refused without its token proves that the client has one.
 */
export const createGuard =
  ({ isTrusted, trust }: Clients): Guard =>
  (judge) =>
  (request, reply, done) => {
    const scope = scopeOf(request);
    const objection = judge(request.headers, scope, request);
    if (objection !== undefined) {
      closeUnread(request, reply);
      refuse(reply, objection);
      return;
    }
    const { socket } = request.raw;
    const anonymous = { ...request.headers, authorization: undefined, cookie: undefined };
    if (!isTrusted(socket) && judge(anonymous, scope, request) !== undefined) trust(socket);
    done();
  };

/** Sends a small document that is built for each request. */
export const json = (reply: FastifyReply, document: unknown): void => {
  void reply
    .header('cache-control', 'no-cache')
    .type('application/json; charset=utf-8')
    .send(`${JSON.stringify(document)}\n`);
};
