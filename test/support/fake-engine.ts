import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { promisify } from 'node:util';
import Docker from 'dockerode';
import { onTestFinished } from 'vitest';

export interface Call {
  readonly method: string;
  readonly url: string;
  readonly body: string;
}

export interface FakeEngine {
  readonly socketPath: string;
  readonly docker: Docker;
  readonly calls: readonly Call[];
  /** How many connections to it are open. */
  readonly connections: () => Promise<number>;
}

/** What it says of itself; enough for `connect`. */
export const VERSION_ANSWER = { Version: '20.10.24', ApiVersion: '1.41', MinAPIVersion: '1.12' };

/** Half an answer: its connection ends before the rest comes, or stays open where it is held. */
export interface Torn {
  readonly torn: string;
  readonly isHeld?: boolean;
}

export interface Redirect {
  readonly redirect: string;
}

/** Speaks HTTP on a socket of its own until the test is over. `answer` gives the text of an answer; undefined: none ever comes. */
export const startFakeEngine = async (
  answer: (call: Call) => string | Torn | Redirect | undefined,
): Promise<FakeEngine> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-fake-engine-'));
  const socketPath = join(folder, 'docker.sock');
  const calls: Call[] = [];
  const reply = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = { method: request.method ?? '', url: request.url ?? '', body: await text(request) };
    calls.push(call);
    const said = answer(call);
    if (typeof said === 'string') response.end(said);
    else if (said && 'redirect' in said) response.writeHead(301, { location: said.redirect }).end('{}');
    else if (said) response.write(said.torn, () => void (said.isHeld === true || response.destroy()));
  };
  const server = createServer((request, response) => void reply(request, response));
  const { promise, resolve } = Promise.withResolvers<void>();
  server.listen(socketPath, resolve);
  await promise;
  onTestFinished(async () => {
    server.closeAllConnections();
    server.close();
    await rm(folder, { recursive: true });
  });
  const connections = promisify(server.getConnections.bind(server));
  return { socketPath, docker: new Docker({ socketPath }), calls, connections };
};
