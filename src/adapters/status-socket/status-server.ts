import { chmod, lstat, unlink } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { dirname } from 'node:path';
import { AgentError, toAgentError } from '../../core/errors.ts';
import { isAnswered } from '../../io/socket-lock.ts';
import { makePath } from '../../io/make-path.ts';

/** Handlers by method and path. A handler gets the parsed JSON body, or undefined without a body. */
export type Routes = Readonly<Record<string, (body: unknown, signal: AbortSignal) => Promise<unknown>>>;

export interface StatusServer {
  readonly close: () => Promise<void>;
}

const BODY_LIMIT = 64 * 1024;
const SOCKET_MODE = 0o660;

/** Removes only a socket, because a mistyped path may name another file. @throws AgentError CONFIG */
const removeLeftover = async (path: string): Promise<void> => {
  const found = await lstat(path).catch(() => undefined);
  if (!found) return;
  if (!found.isSocket()) {
    throw new AgentError('CONFIG', `cannot listen on ${path}: it is not a socket`, {
      advice: 'name another path in SUPERCARGO_SOCKET, or move that file away',
    });
  }
  await unlink(path).catch(() => undefined);
};

/**
 * Listens on the agent's unix socket (0660, so that the agent's group may send requests).
 * @throws AgentError AGENT_RUNNING if an agent answers there, CONFIG if the socket cannot be made
 */
export const serveStatus = async (path: string, routes: Routes): Promise<StatusServer> => {
  if (await isAnswered(path)) {
    throw new AgentError('AGENT_RUNNING', `an agent already listens on ${path}`, {
      advice:
        'look at it with `supercargo status`; ' +
        'a second environment needs its own SUPERCARGO_SOCKET and SUPERCARGO_STATE_DIR',
    });
  }
  await removeLeftover(path);
  const ended = new AbortController();
  const server = createServer((request, response) => {
    void answer(routes, request, response, ended.signal);
  });
  try {
    await makePath(dirname(path));
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    server.once('error', reject);
    server.listen(path, resolve);
    await promise;
    await chmod(path, SOCKET_MODE);
  } catch (cause) {
    throw new AgentError('CONFIG', `cannot listen on ${path}`, {
      cause,
      advice:
        'let the agent’s user write that folder (RuntimeDirectory=supercargo), or set SUPERCARGO_SOCKET',
    });
  }
  return {
    close: async () => {
      ended.abort();
      const { promise, resolve } = Promise.withResolvers<void>();
      server.close(() => resolve());
      server.closeAllConnections();
      await promise;
    },
  };
};

const answer = async (
  routes: Routes,
  request: IncomingMessage,
  response: ServerResponse,
  ended: AbortSignal,
): Promise<void> => {
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  const send = (status: number, body: unknown): void => {
    response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
  };
  try {
    const route = routes[`${request.method ?? 'GET'} ${request.url ?? '/'}`];
    if (!route) {
      send(
        404,
        errorBody(
          new AgentError('USAGE', 'the agent does not know this request', {
            advice: 'use the supercargo of the same version as the agent',
          }),
        ),
      );
      return;
    }
    send(200, await route(await readBody(request), AbortSignal.any([ended, gone.signal])));
  } catch (error) {
    send(400, errorBody(toAgentError(error)));
  }
};

const errorBody = ({ code, message, advice }: AgentError): object => ({
  error: { code, message, advice: advice ?? '' },
});

const ASK_BY_COMMAND = 'use the command line of supercargo, of the same version as the agent';

const readBody = async (request: IncomingMessage): Promise<unknown> => {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request) {
    const bytes = chunk as Buffer;
    size += bytes.length;
    if (size > BODY_LIMIT)
      throw new AgentError('USAGE', 'the request is too large', { advice: ASK_BY_COMMAND });
    chunks.push(bytes);
  }
  if (size === 0) return undefined;
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch (cause) {
    throw new AgentError('USAGE', 'the request is not JSON', { cause, advice: ASK_BY_COMMAND });
  }
};
