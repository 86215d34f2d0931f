import { createHash } from 'node:crypto';
import { AgentError } from '../errors.ts';
import { EDGE_RUN_MOUNT, EDGE_WORKER_ID, runtimeSocketName } from './edge-container.ts';
import { listenersOf, type Listener } from './listener.ts';
import type { EdgeBackend, EdgeConfig, EdgeProtocol, EdgeServer } from './edge-config.ts';
import {
  checkedBackend,
  checkedCount,
  checkedEnvironment,
  checkedInstance,
  checkedPort,
  checkedServer,
  endpoint,
  frontendName,
} from './haproxy-names.ts';

/**
 * Two for each session: some 32,000 sessions. Not set, an unlimited container makes HAProxy ask for
 * gigabytes.
 */
const FILE_LIMIT = 65_536;

/**
 * Spelled out on every server: before 3.4 one that is added at run time inherits nothing from
 * `default-server`. A fresh server is down after its first failed check, one that was up after two.
 */
const CHECK = 'check inter 2s fastinter 500ms downinter 500ms rise 1 fall 2';

/**
 * Long, for the apps decide when a connection has been idle for too long; keep-alive probes find dead peers.
 * A container that died answers nothing until its address is forgotten, hence the short `connect`.
 */
const DEFAULTS = [
  'balance leastconn',
  'retries 3',
  'option redispatch 1',
  'option tcpka',
  'timeout connect 2s',
  'timeout check 2s',
  'timeout client 1h',
  'timeout server 1h',
  'timeout tunnel 24h',
];

/**
 * `empty-response` may mean that the app had begun: only methods that are safe (RFC 9110, 9.2.1) are sent
 * again then.
 */
const PROTOCOL: Readonly<
  Record<EdgeProtocol, { readonly both: readonly string[]; readonly backend: readonly string[] }>
> = {
  tcp: { both: ['mode tcp'], backend: [] },
  http: {
    both: ['mode http'],
    backend: [
      'option forwardfor',
      'retry-on conn-failure empty-response',
      'http-request disable-l7-retry unless METH_GET or METH_OPTIONS',
    ],
  },
};

/**
 * What only the file has. It is no part of the shape, so that an upgrade of the agent replaces no edge: one
 * that runs has it from its next start on, and its `description` says which ones it started with.
 */
interface FileLines {
  readonly global: readonly string[];
  readonly defaults: readonly string[];
  readonly tcpBackend: readonly string[];
}
const NO_LINES: FileLines = { global: [], defaults: [], tcpBackend: [] };

const SETTINGS: FileLines = {
  // Else the kernel lets two edges of root's listen on one port, and both answer (socket(7), SO_REUSEPORT).
  global: ['noreuseport'],
  // A client that leaves ends its request at the app. HAProxy 2.6 reads it from `defaults` alone: the
  // frontend has to know it too.
  defaults: ['option abortonclose'],
  // A TCP client may close its half and wait for the answer.
  tcpBackend: ['no option abortonclose'],
};

const digestOf = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);

/** Names these settings: an edge that says another one started with those of another agent. */
export const EDGE_SETTINGS = digestOf(JSON.stringify(SETTINGS), 8);

/** Address and check options: what follows the name in a `server` line and in `add server`. */
export const serverWords = (server: Pick<EdgeServer, 'address' | 'port'>): string =>
  `${endpoint(server.address, server.port)} ${CHECK}`;

/**
 * There is no word for `drain`; a restarted edge has no sessions that would make it another thing than
 * `maint`.
 */
const serverLine = (server: EdgeServer): string =>
  `server ${checkedServer(server.name)} ${serverWords(server)}${server.state === 'ready' ? '' : ' disabled'}`;

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : Number(a.name > b.name);

const section = (title: string, lines: readonly string[]): string =>
  [title, ...lines.map((line) => `  ${line}`)].join('\n');

const MAX_TIME_MS = 2_147_483_647;

/** Zero would end sessions at once, and HAProxy knows no longer time than 24 days. */
const hardStopMs = ({ longestDrainMs }: EdgeConfig): number =>
  Math.min(Math.max(checkedCount('time', longestDrainMs), 1_000), MAX_TIME_MS);

const globalSection = (config: EdgeConfig, lines: FileLines): string =>
  section('global', [
    `node ${checkedEnvironment(config.environment)}`,
    ...lines.global,
    `uid ${EDGE_WORKER_ID}`,
    `gid ${EDGE_WORKER_ID}`,
    `fd-hard-limit ${FILE_LIMIT}`,
    // Request headers up to 31 kB: the default of 16 kB refuses what apps without an edge accept.
    'tune.bufsize 32768',
    `stats socket ${EDGE_RUN_MOUNT}/${runtimeSocketName(checkedInstance(config.instance))} level admin expose-fd listeners mode 660 uid ${checkedCount('uid', config.agentUid)}`,
    'stats timeout 30s',
  ]);

const bindsOf = ({ address, port }: Listener, hasIpv6: boolean): readonly string[] => {
  if (address !== '') return [`bind ${endpoint(address, port)}`];
  return [`bind 0.0.0.0:${checkedPort(port)}`, ...(hasIpv6 ? [`bind [::]:${port} v6only`] : [])];
};

const frontendSection = (listener: Listener, hasIpv6: boolean): string => {
  const { hostAddress, hostPort, protocol, backend } = listener.frontend;
  return section(`frontend ${frontendName(hostAddress, hostPort)}`, [
    ...PROTOCOL[protocol].both,
    ...(protocol === 'http' ? ['option idle-close-on-response'] : []),
    ...bindsOf(listener, hasIpv6),
    `default_backend ${checkedBackend(backend)}`,
  ]);
};

const backendSection = ({ name, protocol, servers }: EdgeBackend, lines: FileLines): string =>
  section(`backend ${checkedBackend(name)}`, [
    ...PROTOCOL[protocol].both,
    ...PROTOCOL[protocol].backend,
    ...(protocol === 'tcp' ? lines.tcpBackend : []),
    ...servers.toSorted(byName).map(serverLine),
  ]);

const contradiction = (message: string): AgentError =>
  new AgentError('EDGE', message, {
    advice: 'this is a fault in supercargo: please report it with the log',
  });

/** What HAProxy would refuse, or, worse, accept with a warning. */
const checkWhole = ({ frontends, backends }: EdgeConfig): void => {
  const names = [
    ...frontends.map(({ hostAddress, hostPort }) => frontendName(hostAddress, hostPort)),
    ...backends.map(({ name }) => name),
    ...backends.flatMap(({ name, servers }) => servers.map((server) => `${name}/${server.name}`)),
  ];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw contradiction(`the edge would have ${twice} twice`);
  for (const frontend of frontends) {
    const backend = backends.find(({ name }) => name === frontend.backend);
    if (backend === undefined) throw contradiction(`the edge would have no backend ${frontend.backend}`);
    if (backend.protocol !== frontend.protocol)
      throw contradiction(`the edge would send ${frontend.protocol} to ${backend.protocol} ${backend.name}`);
  }
};

const sectionsOf = (config: EdgeConfig, lines: FileLines): readonly string[] => [
  globalSection(config, lines),
  section('defaults', [...DEFAULTS, ...lines.defaults]),
  ...listenersOf(config).map((listener) => frontendSection(listener, config.hasIpv6)),
  ...config.backends.toSorted(byName).map((backend) => backendSection(backend, lines)),
];

/**
 * Digest of what the runtime API can't change: a running edge with another shape has to be replaced. Servers
 * are not part of it, nor is `hard-stop-after`, which only matters once an edge leaves, nor what only the
 * file has.
 */
export const edgeShape = (config: EdgeConfig): string => {
  const backends = config.backends.map((backend) => ({ ...backend, servers: [] }));
  return digestOf(sectionsOf({ ...config, backends, instance: 'any' }, NO_LINES).join('\n\n'), 16);
};

/**
 * The whole file. The same meaning gives the same text, whatever the order of the members. For HAProxy 2.6
 * and newer.
 * @throws AgentError EDGE where a name, address or number is none, or a frontend and its backend do not fit.
 */
export const renderConfig = (config: EdgeConfig): string => {
  checkWhole(config);
  const own = [
    `description ${edgeShape(config)} ${EDGE_SETTINGS}`,
    `hard-stop-after ${hardStopMs(config)}ms`,
    ...SETTINGS.global,
  ];
  const title = `# Written by supercargo for the environment ${checkedEnvironment(config.environment)}. Changes by hand are overwritten.`;
  return `${[title, ...sectionsOf(config, { ...SETTINGS, global: own })].join('\n\n')}\n`;
};
