/** One variable as an operator meets it: in the shipped example file, in `doctor` and in error messages. */
export interface Variable {
  readonly section: Section;
  /** What the value is, with its unit and form. */
  readonly unit: string;
  /** What holds when it is not set; undefined: it must be set. */
  readonly default: string | undefined;
  readonly effect: string;
  /** A value that is accepted. */
  readonly example: string;
  /** Set by the operator in agent.env, or by the service's surroundings (systemd, the login). */
  readonly setBy: 'operator' | 'surroundings';
}

export type Section =
  'what' | 'trust' | 'source' | 'files' | 'behaviour' | 'reports' | 'images' | 'engine' | 'surroundings';

export const SECTION_TITLES: Readonly<Record<Section, string>> = {
  what: 'What runs here',
  trust: 'Whose word is taken',
  source: 'Access to the manifest',
  files: 'Files of the agent',
  behaviour: 'Behaviour',
  reports: 'Reports and metrics',
  images: 'Where images come from',
  engine: 'The Docker engine; these mean what they mean to docker',
  surroundings: 'Set by systemd or the login',
};

const own = (
  section: Section,
  unit: string,
  preset: string | undefined,
  example: string,
  effect: string,
): Variable => ({
  section,
  unit,
  default: preset,
  effect,
  example,
  setBy: 'operator',
});

const outer = (unit: string, preset: string, example: string, effect: string): Variable => ({
  ...own('surroundings', unit, preset, example, effect),
  setBy: 'surroundings',
});

/** Pinned, and the newest line with long support that this version was tested against. */
export const EDGE_IMAGE = 'docker.io/library/haproxy:3.2.4';

const PATH_UNIT = 'an absolute path';

/** Every variable that the agent reads, in the order of the example file. */
export const VARIABLES = {
  SUPERCARGO_ENVIRONMENT: own(
    'what',
    'a name: lower-case letters, digits, "-" and "_", at most 63, starting with a letter or digit',
    undefined,
    'staging',
    'The environment whose manifest this host follows; part of the name of each container, network and volume.',
  ),
  SUPERCARGO_MANIFEST_URL: own(
    'what',
    'a URL of scheme https:, http: or file:, without user name and password',
    undefined,
    'https://deploy.example.com/manifests/staging.json',
    'Where the manifest of the environment is read.',
  ),
  SUPERCARGO_COMPOSE: own(
    'what',
    `${PATH_UNIT} of a compose file, or of a folder with compose.yaml and compose.d/*.yaml`,
    '/etc/supercargo',
    '/etc/supercargo',
    'How the services run on this host.',
  ),
  SUPERCARGO_HOST: own(
    'what',
    'a name: letters, digits, ".", "-" and "_", at most 253',
    'the hostname',
    'web-1.example.com',
    'The name of this host in reports; also decides its offset in the poll period and its place in a rollout.',
  ),
  SUPERCARGO_TRUST: own(
    'trust',
    PATH_UNIT,
    '/etc/supercargo/trust.json',
    '/etc/supercargo/trust.json',
    'The public keys whose signature makes a manifest acceptable.',
  ),
  SUPERCARGO_ALLOW_UNSIGNED: own(
    'trust',
    'true or false',
    'false',
    'false',
    'With true, and only where there is no trust file, a manifest without signature is accepted: for trials.',
  ),
  SUPERCARGO_MANIFEST_CREDENTIALS: own(
    'source',
    `${PATH_UNIT} of a file with "user:password" or a bearer token`,
    'none',
    '/etc/supercargo/manifest-credentials',
    'Sent to the server of the manifest.',
  ),
  SUPERCARGO_CA: own(
    'source',
    `${PATH_UNIT} of a PEM file`,
    "Node's own list",
    '/etc/ssl/certs/example-ca.pem',
    'The certificate authority that the servers of the manifest and of reports are checked against.',
  ),
  SUPERCARGO_CLIENT_CERT: own(
    'source',
    `${PATH_UNIT} of a PEM file; only together with SUPERCARGO_CLIENT_KEY`,
    'none',
    '/etc/supercargo/client.pem',
    'The certificate that this host shows to the servers of the manifest and of reports.',
  ),
  SUPERCARGO_CLIENT_KEY: own(
    'source',
    `${PATH_UNIT} of a PEM file; only together with SUPERCARGO_CLIENT_CERT`,
    'none',
    '/etc/supercargo/client.key',
    'The private key of that certificate.',
  ),
  SUPERCARGO_STATE_DIR: own(
    'files',
    `${PATH_UNIT} of a folder`,
    '$STATE_DIRECTORY (set by systemd), else /var/lib/supercargo',
    '/var/lib/supercargo',
    'Where the ledger and the history are kept.',
  ),
  SUPERCARGO_SOCKET: own(
    'files',
    `${PATH_UNIT}, at most 107 bytes`,
    '/run/supercargo/agent.sock',
    '/run/supercargo/agent.sock',
    'The unix socket on which the agent answers status, pause, sync and the like.',
  ),
  SUPERCARGO_POLL: own(
    'behaviour',
    'a cron expression with seconds',
    '*/30 * * * * *',
    '*/30 * * * * *',
    'When the manifest is read; each host adds a stable offset of at most one period. A hub tells of changes at once; while it does, polls rest.',
  ),
  SUPERCARGO_WINDOW: own(
    'behaviour',
    'windows of the form DAYS HH:MM+DURATION ZONE, separated by ";"',
    'always open',
    'Mon-Fri 09:00+8h Europe/London',
    'When a switch to another version may begin. Images are fetched early; repairs, rollbacks and what has begun go on at any time.',
  ),
  SUPERCARGO_KEEP_RELEASES: own(
    'behaviour',
    'a count of releases, 1 to 20',
    '2',
    '2',
    'For each service, the images of this many good releases are kept on the host.',
  ),
  SUPERCARGO_EDGE_IMAGE: own(
    'behaviour',
    'an image with a tag, a digest or both',
    EDGE_IMAGE,
    EDGE_IMAGE,
    'The proxy (HAProxy 2.6 or newer) in front of start-first services that publish ports. With a tag alone, what that tag is on this host is run.',
  ),
  SUPERCARGO_EDGE_MODE: own(
    'behaviour',
    'host or publish',
    'host',
    'host',
    'How the proxy gets its ports: by sharing the network of the host, or (on rootless engines and desktops) published by the engine, with a gap of about 0.5 s when the proxy itself is replaced.',
  ),
  SUPERCARGO_LOG_LEVEL: own(
    'behaviour',
    'one of trace, debug, info, warn, error, fatal',
    'info',
    'info',
    'The least severe entries that are logged.',
  ),
  SUPERCARGO_LOG_FORMAT: own(
    'behaviour',
    'json or pretty',
    'json, pretty on a terminal',
    'json',
    'The form of the log.',
  ),
  SUPERCARGO_REPORT_URL: own(
    'reports',
    'a URL of scheme https: or http:, without user name and password',
    'none',
    'https://deploy.example.com',
    'The base of the report store: the status of this host is PUT to URL/reports/ENV/HOST.json when it changes, and once a minute.',
  ),
  SUPERCARGO_REPORT_TOKEN: own(
    'reports',
    'one word of visible ASCII characters; not together with SUPERCARGO_REPORT_TOKEN_FILE',
    'none',
    'the-token-of-this-host',
    'What reports are sent with: the token that "supercargo hub token ENV HOST" prints, or user:password for another web server.',
  ),
  SUPERCARGO_REPORT_TOKEN_FILE: own(
    'reports',
    `${PATH_UNIT} of a file with that token`,
    'none',
    '/etc/supercargo/report-token',
    'The same from a file, which is read anew for every report.',
  ),
  SUPERCARGO_METRICS_FILE: own(
    'reports',
    `${PATH_UNIT} of a file whose name ends in .prom`,
    'none',
    '/var/lib/node_exporter/supercargo.prom',
    "Where metrics are written for the textfile collector of Prometheus' node_exporter.",
  ),
  DOCKER_HOST: own(
    'engine',
    'unix:///PATH or tcp://HOST[:PORT]',
    'unix:///var/run/docker.sock',
    'unix:///var/run/docker.sock',
    'The engine to use.',
  ),
  DOCKER_TLS_VERIFY: own(
    'engine',
    'any text; to switch it off, leave it out',
    'off',
    '1',
    'With a tcp: engine: use TLS and check the certificates.',
  ),
  DOCKER_CERT_PATH: own(
    'engine',
    `${PATH_UNIT} of a folder with ca.pem, cert.pem and key.pem`,
    'DOCKER_CONFIG',
    '/etc/supercargo/engine-tls',
    'The certificates for a tcp: engine with TLS.',
  ),
  DOCKER_CONFIG: own(
    'engine',
    `${PATH_UNIT} of a folder`,
    '$HOME/.docker',
    '/etc/supercargo/docker',
    'The folder of config.json, where the logins of registries and mirrors are read.',
  ),
  SUPERCARGO_REGISTRY_MIRRORS: own(
    'images',
    'REGISTRY=URL, several separated by "," or blanks',
    'none',
    'docker.io=https://mirror.example.com',
    'Servers that images of a registry are pulled from first, by digest, in this order; then the registry itself is asked.',
  ),
  SUPERCARGO_ARCHIVES: own(
    'images',
    'true or false',
    'true',
    'true',
    'Where neither mirrors nor the registry can be reached, an image comes from the archive that was published and signed with its version. With false it waits.',
  ),
  SUPERCARGO_INSTANCE: outer(
    'a name like that of an environment',
    'not set: the agent of supercargo.service',
    'staging',
    'The agent of this host that is meant, where there are several: supercargo@NAME.service; --instance says the same.',
  ),
  CREDENTIALS_DIRECTORY: outer(
    PATH_UNIT,
    '/run/credentials/supercargo.service',
    '/run/credentials/supercargo.service',
    'Where systemd puts credentials: manifest-credentials, report-token and config.json (of docker) stand for the variables that are not set.',
  ),
  STATE_DIRECTORY: outer(
    'absolute paths, separated by ":"',
    'not set',
    '/var/lib/supercargo',
    'The first one is the state folder where SUPERCARGO_STATE_DIR is not set.',
  ),
  HOME: outer(PATH_UNIT, 'the home of the user', '/root', 'Given to credential programs.'),
  PATH: outer(
    'folders, separated by ":"',
    'the usual system folders',
    '/usr/bin:/bin',
    'Where programs are looked for.',
  ),
  NOTIFY_SOCKET: outer(
    'a socket',
    'not set',
    '/run/systemd/notify',
    'Where systemd listens for the state of the service.',
  ),
  WATCHDOG_USEC: outer('microseconds', 'not set', '60000000', 'The longest silence that systemd accepts.'),
  WATCHDOG_PID: outer('a process id', 'not set', '1234', 'Whose silence systemd watches.'),
} as const satisfies Readonly<Record<string, Variable>>;

export type VariableName = keyof typeof VARIABLES;

export const VARIABLE_ENTRIES: readonly (readonly [VariableName, Variable])[] = Object.entries(VARIABLES) as [
  VariableName,
  Variable,
][];
