import { AgentError } from '../errors.ts';
import { EDGE_RUN_MOUNT, EDGE_WORKER_ID, runtimeSocketName } from './edge-container.ts';
import { listenersOf, type Listener } from './listener.ts';
import type { EdgeBackend, EdgeConfig, EdgeFrontend, EdgeServer } from './edge-config.ts';
import {
  checkedBackend,
  checkedCount,
  checkedEnvironment,
  checkedInstance,
  checkedPort,
  checkedServer,
  checkedSubnet,
  endpoint,
  frontendName,
} from './haproxy-names.ts';
import { CHECK, digestOf, section, serverArguments } from './haproxy-text.ts';
import { HEALTH_BACKEND } from './health-answer.ts';
import {
  hasHealthEndpoint,
  HEALTH_SETTINGS,
  HEALTH_SHAPE,
  HEALTH_STYLE,
  type HealthStyle,
} from './render-health.ts';

/** Two file descriptors per session: about 32,000 sessions. Unlimited, HAProxy may ask for gigabytes. */
const FILE_LIMIT = 65_536;

/** Marks a line that a trusted proxy leaves as it is. */
const TRUSTED = 'from-trusted-proxy';

/** The headers by which proxies tell of the client. Some frameworks read `_` in a name as `-`. */
const FORWARDED = '^(x[-_])?(forwarded([-_].*)?|real[-_]ip)$';
const HAS_FORWARDED_FOR = '{ req.fhdr(x-forwarded-for) -m found }';

/**
 * What the app is told about the client. Headers of a trusted proxy stay, and its address is added to the
 * last `X-Forwarded-For`, which it wrote itself. Those of any other client are replaced.
 */
const forwardedLines = (trustedProxies: readonly string[]): readonly string[] => {
  const [unless, and] = trustedProxies.length > 0 ? [` unless ${TRUSTED}`, ` !${TRUSTED}`] : ['', ''];
  return [
    `http-request del-header ${FORWARDED} -m reg${unless}`,
    `http-request set-header X-Forwarded-For %[req.fhdr(x-forwarded-for)],\\ %[src] if ${HAS_FORWARDED_FOR}`,
    `http-request set-header X-Forwarded-For %[src] unless ${HAS_FORWARDED_FOR}`,
    `http-request set-header X-Forwarded-Proto http${unless}`,
    `http-request set-header X-Forwarded-Host %[req.fhdr(host)] if { req.fhdr(host) -m found }${and}`,
    `http-request set-header X-Real-IP %[src]${unless}`,
  ];
};

/**
 * The timeouts are long because the apps decide when an idle connection ends; keep-alive probes find dead
 * peers. `connect` is short because a dead container answers nothing until its address is forgotten.
 */
const defaultsOf = (connect: string): readonly string[] => [
  'balance leastconn',
  'retries 3',
  'option redispatch 1',
  'option tcpka',
  `timeout connect ${connect}`,
  'timeout check 2s',
  'timeout client 1h',
  'timeout server 1h',
  'timeout tunnel 24h',
];

/** After an `empty-response` the app may have begun, so only safe methods (RFC 9110, 9.2.1) repeat. */
const RETRY = [
  'retry-on conn-failure empty-response',
  'http-request disable-l7-retry unless METH_GET or METH_OPTIONS',
];

/** What a version of the agent writes beside the ports, backends and servers. */
interface Settings {
  readonly global: readonly string[];
  readonly tuning: readonly string[];
  readonly defaults: readonly string[];
  readonly httpBackend: (trustedProxies: readonly string[]) => readonly string[];
  readonly tcpBackend: readonly string[];
  readonly health: HealthStyle;
}

/** The settings of the first agents. The shape is computed with these, so that no upgrade changes it. */
const FIRST_SETTINGS: Settings = {
  global: [],
  tuning: ['tune.bufsize 32768'],
  defaults: defaultsOf('2s'),
  httpBackend: () => ['option forwardfor', ...RETRY],
  tcpBackend: [],
  health: HEALTH_SHAPE,
};

const SETTINGS: Settings = {
  // Without it the kernel lets two edges of root share a port (socket(7), SO_REUSEPORT).
  global: ['noreuseport'],
  tuning: [
    // As many headers as Node.js reads of a request (2,000), with a few bytes for each of them.
    'tune.bufsize 65536',
    'tune.http.maxhdr 2048',
    // Room for the headers that the edge adds, with a long Host.
    'tune.maxrewrite 4096',
  ],
  defaults: [
    // With its three retries as long as a server stays up that is too busy to accept.
    ...defaultsOf('3s'),
    // A client that disconnects ends its request. HAProxy 2.6 needs this in `defaults`, for the frontend.
    'option abortonclose',
  ],
  httpBackend: (trustedProxies) => [...RETRY, ...forwardedLines(trustedProxies)],
  // A TCP client may close its half of the connection and wait for the answer.
  tcpBackend: ['no option abortonclose'],
  health: HEALTH_STYLE,
};

/**
 * An edge that reports another digest started with the settings of another agent version. The health endpoint
 * has a digest of its own, so that edges without it do not count as outdated.
 */
export const EDGE_SETTINGS = digestOf(
  JSON.stringify([
    { ...SETTINGS, health: undefined },
    SETTINGS.httpBackend([]),
    SETTINGS.httpBackend(['any']),
    CHECK,
  ]),
  8,
);

/** The file has no keyword for `drain`; without sessions, `disabled` (`maint`) does the same. */
const serverLine = (server: EdgeServer): string =>
  `server ${checkedServer(server.name)} ${serverArguments(server)}` +
  (server.state === 'ready' ? '' : ' disabled');

const byName = (a: { readonly name: string }, b: { readonly name: string }): number =>
  a.name < b.name ? -1 : Number(a.name > b.name);

const MAX_TIME_MS = 2_147_483_647;

/** Zero would end sessions at once, and HAProxy accepts at most 24 days. */
const hardStopMs = ({ longestDrainMs }: EdgeConfig): number =>
  Math.min(Math.max(checkedCount('time', longestDrainMs), 1_000), MAX_TIME_MS);

const globalSection = (config: EdgeConfig, { global, tuning }: Settings): string =>
  section('global', [
    `node ${checkedEnvironment(config.environment)}`,
    ...global,
    `uid ${EDGE_WORKER_ID}`,
    `gid ${EDGE_WORKER_ID}`,
    `fd-hard-limit ${FILE_LIMIT}`,
    ...tuning,
    `stats socket ${EDGE_RUN_MOUNT}/${runtimeSocketName(checkedInstance(config.instance))} ` +
      `level admin expose-fd listeners mode 660 uid ${checkedCount('uid', config.agentUid)}`,
    'stats timeout 30s',
  ]);

const bindsOf = ({ address, port }: Listener, hasIpv6: boolean): readonly string[] => {
  if (address !== '') return [`bind ${endpoint(address, port)}`];
  return [`bind 0.0.0.0:${checkedPort(port)}`, ...(hasIpv6 ? [`bind [::]:${port} v6only`] : [])];
};

const frontendLines = ({ protocol, backend }: EdgeFrontend, { health }: Settings): readonly string[] => {
  if (backend === HEALTH_BACKEND) return health.frontend;
  return protocol === 'http' ? ['option idle-close-on-response'] : [];
};

const frontendSection = (listener: Listener, hasIpv6: boolean, settings: Settings): string => {
  const { hostAddress, hostPort, protocol, backend } = listener.frontend;
  return section(`frontend ${frontendName(hostAddress, hostPort)}`, [
    `mode ${protocol}`,
    ...frontendLines(listener.frontend, settings),
    ...bindsOf(listener, hasIpv6),
    `default_backend ${backend === HEALTH_BACKEND ? backend : checkedBackend(backend)}`,
  ]);
};

const backendSection = (
  { name, protocol, servers }: EdgeBackend,
  trustedProxies: readonly string[],
  { httpBackend, tcpBackend }: Settings,
): string =>
  section(`backend ${checkedBackend(name)}`, [
    `mode ${protocol}`,
    ...(protocol === 'http'
      ? [
          ...trustedProxies.map((subnet) => `acl ${TRUSTED} src ${checkedSubnet(subnet)}`),
          ...httpBackend(trustedProxies),
        ]
      : tcpBackend),
    ...servers.toSorted(byName).map(serverLine),
  ]);

const contradiction = (message: string): AgentError =>
  new AgentError('EDGE', message, {
    advice: 'this is a fault in supercargo: please report it with the log',
  });

/** Planners may name the endpoint's backend like any other; what it is follows from the frontend alone. */
const appBackends = ({ backends }: EdgeConfig): readonly EdgeBackend[] =>
  backends.filter(({ name }) => name !== HEALTH_BACKEND);

const ENDPOINT = { name: HEALTH_BACKEND, protocol: 'http' } as const;

/** Refuses what HAProxy would refuse or, worse, accept with a warning. */
const checkWhole = ({ frontends, backends }: EdgeConfig): void => {
  const names = [
    ...frontends.map(({ hostAddress, hostPort }) => frontendName(hostAddress, hostPort)),
    ...backends.map(({ name }) => name),
    ...backends.flatMap(({ name, servers }) => servers.map((server) => `${name}/${server.name}`)),
  ];
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw contradiction(`the edge would have ${twice} twice`);
  for (const frontend of frontends) {
    const backend = [...backends, ENDPOINT].find(({ name }) => name === frontend.backend);
    if (backend === undefined) throw contradiction(`the edge would have no backend ${frontend.backend}`);
    if (backend.protocol !== frontend.protocol)
      throw contradiction(`the edge would send ${frontend.protocol} to ${backend.protocol} ${backend.name}`);
  }
};

const sectionsOf = (config: EdgeConfig, settings: Settings): readonly string[] => [
  globalSection(config, settings),
  section('defaults', settings.defaults),
  ...listenersOf(config).map((listener) => frontendSection(listener, config.hasIpv6, settings)),
  ...config.backends
    .toSorted(byName)
    .map((backend) => backendSection(backend, config.trustedProxies, settings)),
  ...(hasHealthEndpoint(config) ? settings.health.sections(config) : []),
];

/**
 * Digest of what the runtime API cannot change: a running edge with another shape has to be replaced. It
 * leaves out servers, `hard-stop-after` (only a leaving edge uses it) and the settings of this version.
 */
export const edgeShape = (config: EdgeConfig): string => {
  const backends = appBackends(config).map((backend) => ({ ...backend, servers: [] }));
  return digestOf(sectionsOf({ ...config, backends, instance: 'any' }, FIRST_SETTINGS).join('\n\n'), 16);
};

/**
 * Renders the whole file, for HAProxy 2.6 and newer. Configs of the same meaning give the same text, whatever
 * the order of their members.
 * @throws AgentError EDGE if a name, address or number is invalid, or a frontend and its backend do not fit.
 */
export const renderConfig = (desired: EdgeConfig): string => {
  const config = { ...desired, backends: appBackends(desired) };
  checkWhole(config);
  const own = [
    `description ${edgeShape(config)} ${EDGE_SETTINGS}` +
      (hasHealthEndpoint(config) ? ` ${HEALTH_SETTINGS}` : ''),
    `hard-stop-after ${hardStopMs(config)}ms`,
    ...SETTINGS.global,
  ];
  const title = `# Written by supercargo for the environment ${checkedEnvironment(config.environment)}.`;
  const sections = [
    `${title} Changes by hand are overwritten.`,
    ...sectionsOf(config, { ...SETTINGS, global: own }),
  ];
  return `${sections.join('\n\n')}\n`;
};
