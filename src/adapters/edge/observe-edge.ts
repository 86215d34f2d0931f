import type { EdgeServerSeen, EdgeState, EdgeWorker } from '../../core/edge/edge-config.ts';
import { isCheckBackend } from '../../core/edge/haproxy-names.ts';
import { HEALTH_SETTINGS } from '../../core/edge/render-health.ts';
import {
  checkOf,
  parseInfo,
  parseProcesses,
  parseServersState,
  parseStat,
  type ServerPlace,
  type ServerStat,
  type Stat,
} from './parse-runtime.ts';
import { edgeError } from './edge-error.ts';
import { parseAnswers, SHOW_ANSWERS } from './health-map.ts';
import type { Runtime } from './runtime.ts';

/** Frontends (1) and servers (4) of every proxy. */
const SHOW_STAT = 'show stat -1 5 -1';
/** The master's answer if the worker ended after `show proc`. */
const WORKER_GONE = /^Can't find the target/;

/** A leaving worker may end at any moment; it has no sessions then. */
const statOf = async (runtime: Runtime, { pid }: EdgeWorker, signal: AbortSignal): Promise<Stat> => {
  const answer = await runtime.askMaster(SHOW_STAT, signal, pid);
  return answer === '' || WORKER_GONE.test(answer) ? { servers: [], openFrontends: [] } : parseStat(answer);
};

const keyOf = ({ backend, name }: { readonly backend: string; readonly name: string }): string =>
  `${backend}/${name}`;

const joinServers = (
  places: readonly ServerPlace[],
  current: readonly ServerStat[],
  leaving: readonly ServerStat[],
): readonly EdgeServerSeen[] => {
  const seen = new Map<string, EdgeServerSeen>();
  const checked = new Set(current.filter(({ wasChecked }) => wasChecked).map(keyOf));
  for (const { isUp, ...place } of places)
    seen.set(keyOf(place), { ...place, check: checkOf(checked.has(keyOf(place)), isUp), sessions: 0 });
  for (const { backend, name, sessions } of [...current, ...leaving]) {
    const key = `${backend}/${name}`;
    const known = seen.get(key);
    if (known) seen.set(key, { ...known, sessions: known.sessions + sessions });
    else if (sessions > 0)
      seen.set(key, { backend, name, address: '', port: 0, admin: 'maint', check: 'pending', sessions });
  }
  return [...seen.entries()].toSorted(([a], [b]) => (a < b ? -1 : Number(a > b))).map(([, server]) => server);
};

/** Asks everything through the master, because the socket of a leaving worker is closed. */
export const observeEdge = async (runtime: Runtime, signal: AbortSignal): Promise<EdgeState> => {
  const { masterPid, workers } = parseProcesses(await runtime.askMaster('show proc', signal));
  const serving = workers.find(({ isCurrent }) => isCurrent) ?? workers[0];
  if (serving === undefined) throw edgeError('read the edge', 'it has no worker');
  const info = parseInfo(await runtime.askMaster('show info', signal, serving.pid));
  const places = parseServersState(await runtime.askMaster('show servers state', signal, serving.pid));
  const stat = await statOf(runtime, serving, signal);
  const [shape = '', settings = '', health] = info.description.split(' ');
  const answers =
    health === undefined
      ? undefined
      : parseAnswers(await runtime.askMaster(SHOW_ANSWERS, signal, serving.pid));
  const leaving: ServerStat[] = [];
  for (const worker of workers)
    if (worker !== serving) leaving.push(...(await statOf(runtime, worker, signal)).servers);
  return {
    version: info.version,
    environment: info.node,
    shape,
    settings: health === undefined || health === HEALTH_SETTINGS ? settings : `${settings} ${health}`,
    masterPid,
    workers,
    isLeaving: info.isStopping,
    frontends: stat.openFrontends,
    servers: joinServers(places, stat.servers, leaving).filter(({ backend }) => !isCheckBackend(backend)),
    ...answers,
  };
};
