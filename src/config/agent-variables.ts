import { reportUrls } from './addresses.ts';
import { cronExpression } from './cron.ts';
import { files, source, surroundings, trust, what } from './place-variables.ts';
import type { Values, Variable, Variables } from './read-variables.ts';
import {
  PATH_UNIT,
  absolutePath,
  deployWindows,
  durationUpTo,
  edgeMode,
  engineAddress,
  exactBoolean,
  healthListen,
  integer,
  logFormat,
  logLevel,
  metricsFile,
  pinnedImage,
  registryMirrors,
  secretWord,
  subnets,
  text,
  turnsMode,
} from './validators.ts';

/** The newest version with long-term support that the agent was tested with. */
const EDGE_IMAGE = 'docker.io/library/haproxy:3.2.4';

const behaviour = {
  SUPERCARGO_POLL: cronExpression({
    as: 'pollCron',
    unit: 'a cron expression with seconds',
    preset: '*/30 * * * * *',
    example: '*/30 * * * * *',
    effect:
      'When the manifest is read; each host adds a stable offset of at most one period. While a hub ' +
      'reports changes at once, the agent does not poll.',
  }),
  SUPERCARGO_WINDOW: deployWindows({
    as: 'windows',
    unit: 'windows of the form DAYS HH:MM+DURATION ZONE, separated by ";"',
    otherwise: 'always open',
    default: [],
    example: 'Mon-Fri 09:00+8h Europe/London',
    effect:
      'When a switch to another version may begin. Images are fetched early; repairs, rollbacks and ' +
      'what has begun go on at any time.',
  }),
  SUPERCARGO_KEEP_RELEASES: integer(
    1,
    20,
  )({
    as: 'keepReleases',
    unit: 'a count of releases, 1 to 20',
    preset: '2',
    example: '2',
    effect: 'For each service, the images of this many good releases are kept on the host.',
  }),
  SUPERCARGO_TURNS: turnsMode({
    as: 'turns',
    unit: 'manifest or always',
    preset: 'manifest',
    example: 'always',
    effect:
      'When a switch here needs a turn from the report store: while the manifest has a pace, or always. ' +
      'Repairs, rollbacks and what has begun need none.',
  }),
  SUPERCARGO_EDGE_IMAGE: pinnedImage({
    as: 'edgeImage',
    unit: 'an image with a tag, a digest or both',
    preset: EDGE_IMAGE,
    example: EDGE_IMAGE,
    effect:
      'The proxy (HAProxy 2.6 or newer) in front of start-first services that publish ports; it also ' +
      'answers at SUPERCARGO_HEALTH_LISTEN. With a tag alone, the image that has this tag on the host runs.',
  }),
  SUPERCARGO_EDGE_MODE: edgeMode({
    as: 'edgeMode',
    unit: 'host or publish',
    preset: 'host',
    example: 'host',
    effect:
      'How the proxy gets its ports: by sharing the network of the host, or (on rootless engines and ' +
      'desktops) published by the engine, with a gap of about 0.5 s when the proxy itself is ' +
      'replaced.',
  }),
  SUPERCARGO_EDGE_TRUSTED_PROXIES: subnets({
    as: 'trustedProxies',
    unit: 'addresses and subnets (ADDRESS/PREFIX), several separated by "," or blanks',
    otherwise: 'none',
    default: [],
    example: '10.0.0.0/24',
    effect:
      'Proxies or load balancers in front of this host. With app_protocol: http, their Forwarded, ' +
      'X-Forwarded-* and X-Real-IP headers reach the app; those of any other client are replaced. A change ' +
      'replaces the proxy of this host, as SUPERCARGO_EDGE_MODE says.',
  }),
  SUPERCARGO_HEALTH_LISTEN: healthListen({
    as: 'healthListen',
    unit: 'PORT, ADDRESS:PORT or [IPv6]:PORT; PORT alone is on every address',
    otherwise: 'no endpoint',
    default: undefined,
    example: '9000',
    effect:
      'Where load balancers ask over HTTP whether to send here: /SERVICE for a service, / for the ' +
      'host; 200 says yes, 503 no. The proxy answers, also while the agent is down.',
  }),
  SUPERCARGO_HEALTH_LEAD: durationUpTo(
    10 * 60_000,
    '10m',
  )({
    as: 'healthLeadMs',
    unit: 'a duration, such as 10s or 1m30s, from 0s to 10m',
    preset: '10s',
    example: '10s',
    effect:
      'How long load balancers take to notice another answer. For so long the answer is 503 before a ' +
      'service stops, and 200 before a switch counts as done.',
  }),
  SUPERCARGO_LOG_LEVEL: logLevel({
    unit: 'one of trace, debug, info, warn, error, fatal',
    preset: 'info',
    example: 'info',
    effect: 'The least severe entries that are logged.',
  }),
  SUPERCARGO_LOG_FORMAT: logFormat({
    unit: 'json or pretty',
    otherwise: 'json, pretty on a terminal',
    default: undefined,
    example: 'json',
    effect: 'The form of the log.',
  }),
};

const reports = {
  SUPERCARGO_REPORT_URL: reportUrls({
    unit:
      'a URL of scheme https: or http:, without user name and password; of several hubs: their URLs, ' +
      'separated by "," or blanks',
    otherwise: 'none',
    default: undefined,
    example: 'https://deploy.example.com',
    effect:
      'The base of the report store: the status of this host is PUT to URL/reports/ENV/HOST.json ' +
      'when it changes, and once a minute.',
  }),
  SUPERCARGO_REPORT_TOKEN: secretWord({
    unit: 'one word of visible ASCII characters; not together with SUPERCARGO_REPORT_TOKEN_FILE',
    otherwise: 'none',
    default: undefined,
    example: 'the-token-of-this-host',
    effect:
      'What reports are sent with: the token that "supercargo hub token ENV HOST" prints, or ' +
      'user:password for another web server.',
  }),
  SUPERCARGO_REPORT_TOKEN_FILE: absolutePath({
    unit: `${PATH_UNIT} of a file with that token`,
    otherwise: 'none',
    default: undefined,
    example: '/etc/supercargo/report-token',
    effect: 'The same from a file, which is read anew for every report.',
  }),
  SUPERCARGO_METRICS_FILE: metricsFile({
    as: 'metricsFile',
    unit: `${PATH_UNIT} of a file whose name ends in .prom`,
    otherwise: 'none',
    default: undefined,
    example: '/var/lib/node_exporter/supercargo.prom',
    effect: "Where metrics are written for the textfile collector of Prometheus' node_exporter.",
  }),
};

const engine = {
  DOCKER_HOST: engineAddress({
    unit: 'unix:///PATH or tcp://HOST[:PORT]',
    preset: 'unix:///var/run/docker.sock',
    example: 'unix:///var/run/docker.sock',
    effect: 'The engine to use.',
  }),
  DOCKER_TLS_VERIFY: text({
    unit: 'any text; to switch it off, leave it out',
    otherwise: 'off',
    default: undefined,
    example: '1',
    effect: 'With a tcp: engine: use TLS and check the certificates.',
  }),
  DOCKER_CERT_PATH: absolutePath({
    unit: `${PATH_UNIT} of a folder with ca.pem, cert.pem and key.pem`,
    otherwise: 'DOCKER_CONFIG',
    default: undefined,
    example: '/etc/supercargo/engine-tls',
    effect: 'The certificates for a tcp: engine with TLS.',
  }),
  DOCKER_CONFIG: absolutePath({
    unit: `${PATH_UNIT} of a folder`,
    otherwise: '$HOME/.docker',
    default: undefined,
    example: '/etc/supercargo/docker',
    effect: 'The folder of config.json, where the logins of registries and mirrors are read.',
  }),
};

const images = {
  SUPERCARGO_REGISTRY_MIRRORS: registryMirrors({
    as: 'mirrors',
    unit: 'REGISTRY=URL, several separated by "," or blanks',
    otherwise: 'none',
    default: [],
    example: 'docker.io=https://mirror.example.com',
    effect:
      'Servers that images of a registry are pulled from first, by digest, in this order; then the ' +
      'registry itself is asked.',
  }),
  SUPERCARGO_ARCHIVES: exactBoolean({
    as: 'takesArchives',
    unit: 'true or false',
    preset: 'true',
    example: 'true',
    effect:
      'Where neither mirrors nor the registry can be reached, an image comes from the archive that ' +
      'was published and signed with its version. With false it waits.',
  }),
};

/** The variables that an operator sets in agent.env, by title and in the order of the example file. */
export const SECTIONS = {
  'What runs here': what,
  Trust: trust,
  'Access to the manifest': source,
  'Files of the agent': files,
  Behaviour: behaviour,
  'Reports and metrics': reports,
  'The Docker engine; these mean what they mean to docker': engine,
  'Where images come from': images,
} satisfies Readonly<Record<string, Variables>>;

const OPERATOR_VARIABLES = {
  ...what,
  ...trust,
  ...source,
  ...files,
  ...behaviour,
  ...reports,
  ...engine,
  ...images,
};

/** Every variable that the agent reads, in the order of the documents. */
export const VARIABLES = { ...OPERATOR_VARIABLES, ...surroundings };

export type AgentValues = Values<typeof VARIABLES>;

const entriesOf = (variables: Variables): readonly (readonly [name: string, variable: Variable])[] =>
  Object.entries(variables);
export const VARIABLE_ENTRIES = entriesOf(VARIABLES);
/** The variables that an operator sets in agent.env; systemd or the login sets the others. */
export const OPERATOR_ENTRIES = entriesOf(OPERATOR_VARIABLES);
