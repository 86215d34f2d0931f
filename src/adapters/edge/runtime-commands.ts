import { setTimeout as sleep } from 'node:timers/promises';
import type { EdgeFrontend, EdgeServer, EdgeServerState } from '../../core/edge/edge-config.ts';
import { checkedBackend, checkedServer, frontendName } from '../../core/edge/haproxy-names.ts';
import { serverArguments } from '../../core/edge/haproxy-text.ts';
import { canonicalIp } from '../../core/compose/ip.ts';
import { parseProcesses, parseServersState, type ServerPlace } from './parse-runtime.ts';
import { edgeError } from './edge-error.ts';
import type { Runtime } from './runtime.ts';

/** The answers of HAProxy 2.6 to 3.2. An empty answer means success. */
const ABSENT = /^No such (?:server|backend|frontend)\b/;
const CLOSED = /^All sockets are already disabled/;
const EXISTS = /^Already exists/;
const DONE = /^(?:New server registered|Server deleted)\b/;
const WORKER_GONE = /^Can't find the target/;
/** `del server` with open connections, idle ones included; HAProxy drops idle ones within seconds. */
const CONNECTED = /connections? attached|still (?:has|used)|in use/i;

const wordOf = (backend: string, server: string): string =>
  `${checkedBackend(backend)}/${checkedServer(server)}`;

const isSuccess = (answer: string): boolean => answer.trim() === '' || DONE.test(answer);

const expectSuccess = (what: string, answer: string): void => {
  if (!isSuccess(answer)) throw edgeError(what, answer);
};

const findServer = async (
  runtime: Runtime,
  backend: string,
  name: string,
  signal: AbortSignal,
): Promise<ServerPlace | undefined> => {
  const places = parseServersState(await runtime.ask('show servers state', signal));
  return places.find((place) => place.backend === backend && place.name === name);
};

/** @throws AgentError EDGE if the server does not exist */
export const setState = async (
  runtime: Runtime,
  backend: string,
  server: string,
  state: EdgeServerState,
  signal: AbortSignal,
): Promise<void> => {
  const word = wordOf(backend, server);
  const answer = await runtime.ask(`set server ${word} state ${state}`, signal);
  expectSuccess(`set ${word} to ${state}`, answer);
};

/** A server's name belongs to one container forever: one with another address must be removed first. */
const isThere = async (
  runtime: Runtime,
  backend: string,
  server: Pick<EdgeServer, 'name' | 'address' | 'port'>,
  signal: AbortSignal,
): Promise<boolean> => {
  const there = await findServer(runtime, backend, server.name, signal);
  if (there && (there.address !== canonicalIp(server.address) || there.port !== server.port))
    throw edgeError(
      `add ${wordOf(backend, server.name)}`,
      `it exists with address ${there.address} and port ${there.port}`,
    );
  return there !== undefined && there.admin !== 'maint';
};

/**
 * New servers start in maintenance and unchecked. If the agent dies in between, the next call continues
 * there.
 */
export const addServer = async (
  runtime: Runtime,
  backend: string,
  server: Pick<EdgeServer, 'name' | 'address' | 'port'>,
  signal: AbortSignal,
): Promise<void> => {
  const word = wordOf(backend, server.name);
  const added = await runtime.ask(`add server ${word} ${serverArguments(server)}`, signal);
  if (EXISTS.test(added)) {
    if (await isThere(runtime, backend, server, signal)) return;
  } else expectSuccess(`add ${word}`, added);
  expectSuccess(`check ${word}`, await runtime.ask(`enable health ${word}`, signal));
  await setState(runtime, backend, server.name, 'drain', signal);
};

/** Asks every worker, because leaving workers hold sessions too. */
export const cutSessions = async (
  runtime: Runtime,
  backend: string,
  server: string,
  signal: AbortSignal,
): Promise<void> => {
  const word = wordOf(backend, server);
  const { workers } = parseProcesses(await runtime.askMaster('show proc', signal));
  for (const { pid } of workers) {
    const answer = await runtime.askMaster(`shutdown sessions server ${word}`, signal, pid);
    if (!ABSENT.test(answer) && !WORKER_GONE.test(answer)) expectSuccess(`cut ${word}`, answer);
  }
};

/**
 * `shutdown frontend` would leave the port open: the master keeps the socket, and nothing accepts there.
 * `disable frontend` stops the socket itself.
 */
export const closePort = async (
  runtime: Runtime,
  { hostAddress, hostPort }: Pick<EdgeFrontend, 'hostAddress' | 'hostPort'>,
  signal: AbortSignal,
): Promise<void> => {
  const name = frontendName(hostAddress, hostPort);
  const answer = await runtime.ask(`disable frontend ${name}`, signal);
  if (!ABSENT.test(answer) && !CLOSED.test(answer)) expectSuccess(`close ${name}`, answer);
};

export interface Patience {
  /** How long `del server` is tried: longer than HAProxy keeps idle connections (5 s). */
  readonly deadlineMs: number;
  readonly everyMs: number;
}

/** @throws AgentError EDGE if a connection stays; the next tick tries again */
export const removeServer = async (
  runtime: Runtime,
  backend: string,
  server: string,
  { deadlineMs, everyMs }: Patience,
  signal: AbortSignal,
): Promise<void> => {
  const word = wordOf(backend, server);
  const stopped = await runtime.ask(`set server ${word} state maint`, signal);
  if (ABSENT.test(stopped)) return;
  expectSuccess(`set ${word} to maint`, stopped);
  const end = performance.now() + deadlineMs;
  for (;;) {
    const answer = await runtime.ask(`del server ${word}`, signal);
    if (isSuccess(answer) || ABSENT.test(answer)) return;
    if (!CONNECTED.test(answer) || performance.now() >= end) throw edgeError(`delete ${word}`, answer);
    await sleep(everyMs, undefined, { signal });
  }
};
