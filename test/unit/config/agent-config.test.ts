import { parseImage } from '../../../src/core/image/reference.ts';
import { describe, expect, it } from 'vitest';
import { readConfig } from '../../../src/config/agent-config.ts';
import { readDocumentPaths, readPaths } from '../../../src/config/paths.ts';
import { readSurroundings, type Surroundings } from '../../../src/config/host-facts.ts';
import { VARIABLE_ENTRIES } from '../../../src/config/agent-variables.ts';
import { AgentError } from '../../../src/core/errors.ts';

const host = (over: Partial<Surroundings> = {}): Surroundings => ({
  fileExists: () => true,
  hasCredential: () => false,
  denied: () => undefined,
  adviceOn: () => 'correct /etc/supercargo/agent.env',
  hostname: 'web-1',
  home: '/home/agent',
  isTerminal: false,
  ...over,
});
const least = {
  SUPERCARGO_ENVIRONMENT: 'staging',
  SUPERCARGO_MANIFEST_URL: 'https://m.example.com/staging.json',
};

const refusal = (env: NodeJS.ProcessEnv, over: Partial<Surroundings> = {}): AgentError => {
  try {
    readConfig(env, host(over));
  } catch (error) {
    if (error instanceof AgentError) return error;
    throw error;
  }
  throw new Error('the configuration was accepted');
};

const DEFAULTS = {
  environment: 'staging',
  manifestUrls: ['https://m.example.com/staging.json'],
  manifestCredentialsFile: undefined,
  caFile: undefined,
  clientCertificate: undefined,
  composePath: '/etc/supercargo',
  trustFile: '/etc/supercargo/trust.json',
  host: 'web-1',
  labels: {},
  pollCron: '*/30 * * * * *',
  stateDir: '/var/lib/supercargo',
  socketPath: '/run/supercargo/agent.sock',
  keepReleases: 2,
  windows: [],
  report: undefined,
  metricsFile: undefined,
  mirrors: [],
  takesArchives: true,
  edgeImage: parseImage('docker.io/library/haproxy:3.2.4'),
  edgeMode: 'host',
  trustedProxies: [],
  healthListen: undefined,
  healthLeadMs: 10_000,
  turns: 'manifest',
  log: { level: 'info', format: 'json' },
  engine: { address: { kind: 'unix', socketPath: '/var/run/docker.sock' }, tlsFolder: undefined },
  dockerConfigDir: '/home/agent/.docker',
  home: '/home/agent',
  path: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  systemd: { notifySocket: undefined, watchdogUsec: undefined, watchdogPid: undefined },
  warnings: [],
};

describe('readConfig', () => {
  it('fills in the documented defaults', () => {
    expect(readConfig(least, host())).toEqual(DEFAULTS);
  });

  it('reads every variable, and NODE_ENV changes nothing', () => {
    const env = {
      ...least,
      NODE_ENV: 'test',
      SUPERCARGO_COMPOSE: '/srv/compose.yaml',
      SUPERCARGO_TRUST: '/srv/trust.json',
      SUPERCARGO_HOST: 'web-2.example.com',
      SUPERCARGO_POLL: '0 * * * * *',
      SUPERCARGO_MANIFEST_CREDENTIALS: '/srv/credentials',
      SUPERCARGO_CA: '/srv/ca.pem',
      SUPERCARGO_CLIENT_CERT: '/srv/c.pem',
      SUPERCARGO_CLIENT_KEY: '/srv/c.key',
      SUPERCARGO_STATE_DIR: '/srv/state',
      SUPERCARGO_SOCKET: '/srv/agent.sock',
      SUPERCARGO_WINDOW: 'Sat 10:00+90m UTC',
      SUPERCARGO_KEEP_RELEASES: '20',
      SUPERCARGO_REPORT_URL: 'https://hub.example.com/base/',
      SUPERCARGO_REPORT_TOKEN_FILE: '/srv/token',
      SUPERCARGO_METRICS_FILE: '/srv/agent.prom',
      SUPERCARGO_REGISTRY_MIRRORS: 'docker.io=https://mirror.example.com/hub',
      SUPERCARGO_ARCHIVES: 'false',
      SUPERCARGO_TURNS: 'always',
      SUPERCARGO_EDGE_IMAGE: 'registry.example.com/proxy:2',
      SUPERCARGO_EDGE_MODE: 'publish',
      SUPERCARGO_EDGE_TRUSTED_PROXIES: '10.0.0.0/24, 192.168.1.7 FD00:0::1',
      SUPERCARGO_HEALTH_LISTEN: '[FD00:0::1]:9000',
      SUPERCARGO_HEALTH_LEAD: '1m30s',
      SUPERCARGO_LOG_LEVEL: 'debug',
      SUPERCARGO_LOG_FORMAT: 'pretty',
      DOCKER_HOST: 'tcp://engine.example.com:2377',
      DOCKER_TLS_VERIFY: '1',
      DOCKER_CERT_PATH: '/srv/tls',
      DOCKER_CONFIG: '/srv/docker',
      STATE_DIRECTORY: '/var/lib/other',
      HOME: '/root',
      PATH: '/bin',
      NOTIFY_SOCKET: '/run/systemd/notify',
      WATCHDOG_USEC: '60000000',
      WATCHDOG_PID: '77',
    };
    expect(readConfig(env, host())).toEqual({
      ...DEFAULTS,
      composePath: '/srv/compose.yaml',
      trustFile: '/srv/trust.json',
      host: 'web-2.example.com',
      pollCron: '0 * * * * *',
      manifestCredentialsFile: '/srv/credentials',
      caFile: '/srv/ca.pem',
      clientCertificate: { certFile: '/srv/c.pem', keyFile: '/srv/c.key' },
      stateDir: '/srv/state',
      socketPath: '/srv/agent.sock',
      keepReleases: 20,
      windows: [
        { text: 'Sat 10:00+90m UTC', days: [6], startMinute: 600, durationMs: 5_400_000, zone: 'UTC' },
      ],
      report: {
        urls: ['https://hub.example.com/base/reports/staging/web-2.example.com.json'],
        turnsUrls: ['https://hub.example.com/base/turns/staging/web-2.example.com'],
        token: { kind: 'file', path: '/srv/token' },
      },
      metricsFile: '/srv/agent.prom',
      mirrors: [
        {
          registry: 'docker.io',
          url: 'https://mirror.example.com/hub',
          prefix: 'mirror.example.com/hub',
        },
      ],
      takesArchives: false,
      edgeImage: parseImage('registry.example.com/proxy:2'),
      turns: 'always',
      edgeMode: 'publish',
      trustedProxies: ['10.0.0.0/24', '192.168.1.7/32', 'fd00::1/128'],
      healthListen: { hostAddress: 'fd00::1', hostPort: 9000 },
      healthLeadMs: 90_000,
      log: { level: 'debug', format: 'pretty' },
      engine: { address: { kind: 'tcp', host: 'engine.example.com', port: 2377 }, tlsFolder: '/srv/tls' },
      dockerConfigDir: '/srv/docker',
      home: '/root',
      path: '/bin',
      systemd: { notifySocket: '/run/systemd/notify', watchdogUsec: 60_000_000, watchdogPid: 77 },
    });
  });

  it('accepts the example of every variable', () => {
    const env = Object.fromEntries(VARIABLE_ENTRIES.map(([name, variable]) => [name, variable.example]));
    // One of the two excludes the other.
    for (const name of ['SUPERCARGO_REPORT_TOKEN', 'SUPERCARGO_REPORT_TOKEN_FILE'])
      expect(readConfig({ ...env, [name]: '' }, host()).warnings).toEqual([]);
  });

  it('takes an empty value for a value that is not set', () => {
    const empty = Object.fromEntries(VARIABLE_ENTRIES.map(([name]) => [name, '']));
    expect(readConfig({ ...empty, ...least }, host())).toEqual(DEFAULTS);
  });

  it('is frozen in depth', () => {
    const config = readConfig(least, host());
    const parts = [config, config.log, config.engine, config.engine.address, config.systemd, config.warnings];
    expect(parts.map((part) => Object.isFrozen(part))).toEqual(parts.map(() => true));
  });

  it.each([
    [
      'the first folder that systemd names',
      { STATE_DIRECTORY: '/var/lib/a:/var/lib/b' },
      { stateDir: '/var/lib/a' },
    ],
    [
      'TLS with the login folder as its certificates',
      { DOCKER_HOST: 'tcp://[::1]', DOCKER_TLS_VERIFY: '0' },
      {
        engine: { address: { kind: 'tcp', host: '::1', port: undefined }, tlsFolder: '/home/agent/.docker' },
      },
    ],
    [
      'no TLS on a unix socket',
      { DOCKER_HOST: 'unix:///run/d.sock', DOCKER_TLS_VERIFY: '1' },
      {
        engine: { address: { kind: 'unix', socketPath: '/run/d.sock' }, tlsFolder: undefined },
      },
    ],
    [
      'a health endpoint on every address',
      { SUPERCARGO_HEALTH_LISTEN: '9000' },
      { healthListen: { hostAddress: '', hostPort: 9000 } },
    ],
    [
      'a health endpoint on every address, as the hub writes it',
      { SUPERCARGO_HEALTH_LISTEN: ':9000' },
      { healthListen: { hostAddress: '', hostPort: 9000 } },
    ],
    [
      'a health endpoint on one address',
      { SUPERCARGO_HEALTH_LISTEN: '10.0.0.1:9000' },
      { healthListen: { hostAddress: '10.0.0.1', hostPort: 9000 } },
    ],
    ['labels', { SUPERCARGO_LABELS: 'zone=a, role=web' }, { labels: { zone: 'a', role: 'web' } }],
    [
      'a lead of nothing',
      { SUPERCARGO_HEALTH_LISTEN: '9000', SUPERCARGO_HEALTH_LEAD: '0s' },
      { healthLeadMs: 0, warnings: [] },
    ],
    [
      'a lead without an endpoint as without effect',
      { SUPERCARGO_HEALTH_LEAD: '5s' },
      { warnings: ['SUPERCARGO_HEALTH_LISTEN is not set, so SUPERCARGO_HEALTH_LEAD has no effect'] },
    ],
    [
      'turns without a store that hands them out',
      { SUPERCARGO_TURNS: 'always' },
      {
        turns: 'always',
        warnings: [
          'SUPERCARGO_REPORT_URL is not set, so no store hands out turns: with SUPERCARGO_TURNS=always no switch begins',
        ],
      },
    ],
    [
      'a file as the source',
      { SUPERCARGO_MANIFEST_URL: 'file:///srv/m.json' },
      { manifestUrls: ['file:///srv/m.json'] },
    ],
    [
      'several hubs',
      {
        SUPERCARGO_MANIFEST_URL:
          ' https://a/manifests/x.json, https://b:8440/manifests/x.json\thttp://c/x.json,',
        SUPERCARGO_REPORT_URL: 'https://a/,https://b:8440/base/',
      },
      {
        manifestUrls: ['https://a/manifests/x.json', 'https://b:8440/manifests/x.json', 'http://c/x.json'],
        report: {
          urls: ['https://a/reports/staging/web-1.json', 'https://b:8440/base/reports/staging/web-1.json'],
          turnsUrls: ['https://a/turns/staging/web-1', 'https://b:8440/base/turns/staging/web-1'],
        },
      },
    ],
    [
      'commas and blanks of one address, as before there were lists',
      { SUPERCARGO_MANIFEST_URL: 'https://a/x,y/m 1.json?z=1,2' },
      { manifestUrls: ['https://a/x,y/m%201.json?z=1,2'] },
    ],
    [
      'a file with a blank and a comma in its name',
      { SUPERCARGO_MANIFEST_URL: 'file:///srv/a, b.json' },
      { manifestUrls: ['file:///srv/a,%20b.json'] },
    ],
    [
      'one hub of several in clear text',
      {
        SUPERCARGO_MANIFEST_URL: 'https://a/x.json http://b/x.json',
        SUPERCARGO_MANIFEST_CREDENTIALS: '/srv/c',
      },
      {
        warnings: [
          'SUPERCARGO_MANIFEST_CREDENTIALS are sent in clear text, because SUPERCARGO_MANIFEST_URL is http:',
        ],
      },
    ],
    [
      'nothing for a senseless watchdog',
      { WATCHDOG_USEC: 'x', WATCHDOG_PID: '-1' },
      { systemd: DEFAULTS.systemd },
    ],
  ])('understands %s', (_, env, expected) => {
    expect(readConfig({ ...least, ...env }, host())).toMatchObject(expected);
  });

  it('logs pretty on a terminal unless told otherwise', () => {
    expect(readConfig(least, host({ isTerminal: true })).log.format).toBe('pretty');
    expect(
      readConfig({ ...least, SUPERCARGO_LOG_FORMAT: 'json' }, host({ isTerminal: true })).log.format,
    ).toBe('json');
  });

  it('lists all problems in one error, each with what to write', () => {
    const env = {
      SUPERCARGO_ENVIRONMENT: 'Staging',
      SUPERCARGO_KEEP_RELEASES: '0',
      SUPERCARGO_WINDOW: 'Mon-Fri 09:00+8h',
      SUPERCARGO_REGISTRY_MIRRORS: 'a=https://b',
    };
    const error = refusal(env, { fileExists: () => false });
    expect(error.code).toBe('CONFIG');
    expect(error.message.split('\n')).toEqual([
      'the configuration has problems:',
      '  SUPERCARGO_ENVIRONMENT is "Staging", which is not a valid name; write a name: lower-case letters, digits, "-" and "_", at most 63, starting with a letter or digit, for example SUPERCARGO_ENVIRONMENT=staging',
      '  SUPERCARGO_MANIFEST_URL is not set; write a URL of scheme https:, http: or file:, without user name and password; of several hubs: their URLs, separated by "," or blanks, for example SUPERCARGO_MANIFEST_URL=https://deploy.example.com/manifests/staging.json',
      '  SUPERCARGO_WINDOW has the window "Mon-Fri 09:00+8h": the time zone is missing, such as Europe/London or UTC; write windows of the form DAYS HH:MM+DURATION ZONE, separated by ";", for example SUPERCARGO_WINDOW=Mon-Fri 09:00+8h Europe/London',
      '  SUPERCARGO_KEEP_RELEASES is "0", which is not a whole number from 1 to 20; write a count of releases, 1 to 20, for example SUPERCARGO_KEEP_RELEASES=2',
      '  SUPERCARGO_REGISTRY_MIRRORS names "a", which is not a registry: a registry has a dot or a port; write REGISTRY=URL, several separated by "," or blanks, for example SUPERCARGO_REGISTRY_MIRRORS=docker.io=https://mirror.example.com',
      '  SUPERCARGO_TRUST names /etc/supercargo/trust.json, which does not exist; install the trust file there, or write SUPERCARGO_ALLOW_UNSIGNED=true for a trial without signatures',
    ]);
    expect(error.advice).toContain('/etc/supercargo/agent.env');
  });

  it.each<[string, NodeJS.ProcessEnv, string]>([
    ['a name of 64 letters', { SUPERCARGO_ENVIRONMENT: 'a'.repeat(64) }, 'SUPERCARGO_ENVIRONMENT'],
    ['a name with a slash', { SUPERCARGO_ENVIRONMENT: 'a/b' }, 'SUPERCARGO_ENVIRONMENT'],
    ['ftp', { SUPERCARGO_MANIFEST_URL: 'ftp://example.com/m' }, 'scheme "ftp:"'],
    ['a file URL with a host', { SUPERCARGO_MANIFEST_URL: 'file://srv/m.json' }, 'three slashes'],
    ['a relative path', { SUPERCARGO_COMPOSE: 'compose.yaml' }, 'SUPERCARGO_COMPOSE is "compose.yaml"'],
    ['a socket path that the kernel refuses', { SUPERCARGO_SOCKET: `/${'s'.repeat(107)}` }, 'has 108 bytes'],
    ['a wrong cron expression', { SUPERCARGO_POLL: '61 * * * * *' }, 'not a cron expression'],
    ['a moment for a poll', { SUPERCARGO_POLL: '2026-01-01T00:00:00' }, 'not a cron expression'],
    ['a cron expression with years', { SUPERCARGO_POLL: '* * * * * * *' }, 'not a cron expression'],
    ['a fraction of a release', { SUPERCARGO_KEEP_RELEASES: '1.5' }, 'SUPERCARGO_KEEP_RELEASES'],
    ['an unknown level', { SUPERCARGO_LOG_LEVEL: 'verbose' }, 'one of trace, debug'],
    ['yes for true', { SUPERCARGO_ALLOW_UNSIGNED: 'yes' }, 'SUPERCARGO_ALLOW_UNSIGNED is "yes"'],
    [
      'a trusted proxy by its name',
      { SUPERCARGO_EDGE_TRUSTED_PROXIES: '10.0.0.1 lb.example.com' },
      'has "lb.example.com", which is neither an address nor a subnet',
    ],
    [
      'a health endpoint at a name',
      { SUPERCARGO_HEALTH_LISTEN: 'localhost:9000' },
      'has "localhost", which is a name and not an address',
    ],
    [
      'a health endpoint without a port',
      { SUPERCARGO_HEALTH_LISTEN: '10.0.0.1' },
      'write PORT, ADDRESS:PORT',
    ],
    ['a health endpoint at port 0', { SUPERCARGO_HEALTH_LISTEN: '0' }, 'SUPERCARGO_HEALTH_LISTEN is "0"'],
    ['a port above 65535', { SUPERCARGO_HEALTH_LISTEN: ':65536' }, 'SUPERCARGO_HEALTH_LISTEN is ":65536"'],
    ['a lead without a unit', { SUPERCARGO_HEALTH_LEAD: '10' }, 'is "10", which is not a duration'],
    ['a lead of 11 minutes', { SUPERCARGO_HEALTH_LEAD: '11m' }, 'is "11m", which is longer than 10m'],
    [
      'a label without a value',
      { SUPERCARGO_LABELS: 'zone=a,canary' },
      'SUPERCARGO_LABELS has "canary", which is not NAME=VALUE; write NAME=VALUE, several separated by',
    ],
    ['a label twice', { SUPERCARGO_LABELS: 'zone=a,zone=b' }, 'SUPERCARGO_LABELS has "zone" twice; write'],
    ['an ssh engine', { DOCKER_HOST: 'ssh://root@web-1' }, 'is an ssh:// address'],
    ['an engine address with a path', { DOCKER_HOST: 'tcp://h:1/x' }, 'is not tcp://HOST[:PORT]'],
    [
      'a certificate without its key',
      { SUPERCARGO_CLIENT_CERT: '/c' },
      'SUPERCARGO_CLIENT_KEY is not set, but SUPERCARGO_CLIENT_CERT is',
    ],
    [
      'a key without its certificate',
      { SUPERCARGO_CLIENT_KEY: '/k' },
      'SUPERCARGO_CLIENT_CERT is not set, but SUPERCARGO_CLIENT_KEY is',
    ],
    ['a report URL of another scheme', { SUPERCARGO_REPORT_URL: 'file:///srv' }, 'has the scheme "file:"'],
    [
      'a report URL with a query',
      { SUPERCARGO_REPORT_URL: 'https://hub/?a=b' },
      'reports are kept below this URL',
    ],
    [
      'two tokens',
      { SUPERCARGO_REPORT_TOKEN: 'a', SUPERCARGO_REPORT_TOKEN_FILE: '/t' },
      'SUPERCARGO_REPORT_TOKEN is set, and SUPERCARGO_REPORT_TOKEN_FILE too',
    ],
    ['a metrics file that nobody reads', { SUPERCARGO_METRICS_FILE: '/srv/m.txt' }, 'does not end in .prom'],
    [
      'a mirror of plain HTTP',
      { SUPERCARGO_REGISTRY_MIRRORS: 'docker.io=http://m.example.com' },
      'plain http:',
    ],
  ])('refuses %s', (_, env, expected) => {
    const { message } = refusal({ ...least, ...env });
    expect(message).toContain(expected);
    expect(message.split('\n')).toHaveLength(2);
  });

  it.each(['https://user:s3cret@m.example.com/m', 'https://s3cret@m.example.com/m', 'https://s3cret@:bad'])(
    'refuses %s without repeating the password',
    (url) => {
      const error = refusal({ ...least, SUPERCARGO_MANIFEST_URL: url });
      expect(error.message).toContain('SUPERCARGO_MANIFEST_URL');
      expect(JSON.stringify([error.message, error.advice, error.fields])).not.toContain('s3cret');
    },
  );

  it.each([
    ['https://a/x.json ftp://b/x.json', 'is a list, and its 2nd address has the scheme "ftp:"'],
    [
      'https://a/x.json,https://b/x.json,https://c/x.json,https://u:s3cret@d/x.json',
      'is a list, and its 4th address has a user name or password',
    ],
    ['https://a/x.json file:///x.json', 'is a list with a file: a file stands alone'],
    ['https://a/x.json https://b/y.json', 'is a list of different files'],
    ['https://a/x.json https://A:443/x.json', 'names one address twice'],
    [
      Array.from({ length: 17 }, (_, n) => `https://h${n}/x.json`).join(' '),
      'has 17 addresses, more than 16',
    ],
  ])('refuses the list %s', (list, message) => {
    const error = refusal({ ...least, SUPERCARGO_MANIFEST_URL: list });
    expect(error.message).toContain(`SUPERCARGO_MANIFEST_URL ${message}`);
    expect(JSON.stringify([error.message, error.advice, error.fields])).not.toContain('s3cret');
  });

  it.each([
    { SUPERCARGO_REPORT_URL: 'https://host:s3cret@hub.example.com' },
    { SUPERCARGO_REPORT_URL: 'https://a https://host:s3cret@hub.example.com' },
    { SUPERCARGO_REPORT_TOKEN: 's3cret with a blank' },
  ])('refuses %j without repeating the secret', (env) => {
    const error = refusal({ ...least, ...env });
    expect(error.message).toContain('SUPERCARGO_REPORT_');
    expect(JSON.stringify([error.message, error.advice, error.fields])).not.toContain('s3cret');
  });

  it.each([
    ['no token', {}, { kind: 'none' }],
    ['a token', { SUPERCARGO_REPORT_TOKEN: 'abc' }, { kind: 'value', value: 'abc' }],
  ])('reports with %s', (_, env, token) => {
    const config = readConfig({ ...least, SUPERCARGO_REPORT_URL: 'https://hub', ...env }, host());
    expect(config.report).toEqual({
      urls: ['https://hub/reports/staging/web-1.json'],
      turnsUrls: ['https://hub/turns/staging/web-1'],
      token,
    });
    expect([config.report, config.report?.token, config.windows].every(Object.isFrozen)).toBe(true);
  });

  it.each([
    [
      'a trust file and ALLOW_UNSIGNED',
      true,
      'true',
      'SUPERCARGO_ALLOW_UNSIGNED is true although the trust file',
    ],
    ['neither', false, 'false', 'SUPERCARGO_TRUST names /etc/supercargo/trust.json, which does not exist'],
  ])('refuses %s', (_, exists, unsigned, expected) => {
    const env = { ...least, SUPERCARGO_ALLOW_UNSIGNED: unsigned };
    expect(refusal(env, { fileExists: () => exists }).message).toContain(expected);
  });

  it.each([
    ['the trust file', true, 'false', '/etc/supercargo/trust.json'],
    ['no signature', false, 'true', undefined],
  ])('demands %s', (_, exists, unsigned, expected) => {
    const env = { ...least, SUPERCARGO_ALLOW_UNSIGNED: unsigned };
    expect(readConfig(env, host({ fileExists: () => exists })).trustFile).toBe(expected);
  });

  it('says first that the file may not be read: what it has seems only to be missing', () => {
    const denied = new AgentError('CONFIG', 'Permission denied: agent.env');
    expect(refusal({}, { denied: () => denied })).toBe(denied);
    expect(readConfig(least, host({ denied: () => denied })).environment).toBe('staging');
  });

  it.each<[string, NodeJS.ProcessEnv, string[]]>([
    [
      'a misspelt variable',
      { SUPERCARGO_POL: 'x' },
      ['SUPERCARGO_POL is not a variable of the agent; did you mean SUPERCARGO_POLL?'],
    ],
    [
      'a strange variable',
      { SUPERCARGO_COFFEE_MACHINE: 'x' },
      ['SUPERCARGO_COFFEE_MACHINE is not a variable of the agent'],
    ],
    [
      'variables of the build server and of a hub, in the same shell',
      {
        SUPERCARGO_STORE: 'x',
        SUPERCARGO_PUBLISH_TOKEN: 'x',
        SUPERCARGO_PUBLISH_TOKEN_FILE: 'x',
        SUPERCARGO_READ_TOKEN_FILE: 'x',
        SUPERCARGO_SIGNING_KEY: 'x',
        SUPERCARGO_REPORT_SECRET: 'x',
      },
      [],
    ],
    [
      'a token for nobody',
      { SUPERCARGO_REPORT_TOKEN: 's3cret' },
      ['SUPERCARGO_REPORT_URL is not set, so the token of reports has no effect'],
    ],
    [
      'a token in clear text',
      { SUPERCARGO_REPORT_TOKEN: 's3cret', SUPERCARGO_REPORT_URL: 'http://hub' },
      ['the token of reports is sent in clear text, because SUPERCARGO_REPORT_URL is http:'],
    ],
    [
      'a password in clear text',
      { SUPERCARGO_MANIFEST_URL: 'http://m/', SUPERCARGO_MANIFEST_CREDENTIALS: '/c' },
      ['SUPERCARGO_MANIFEST_CREDENTIALS are sent in clear text, because SUPERCARGO_MANIFEST_URL is http:'],
    ],
    [
      'an engine without TLS',
      { DOCKER_HOST: 'tcp://h' },
      [
        'DOCKER_HOST uses tcp without TLS: any machine on that network controls the engine; set DOCKER_TLS_VERIFY=1',
      ],
    ],
  ])('warns of %s', (_, env, expected) => {
    expect(readConfig({ ...least, ...env }, host()).warnings).toEqual(expected);
  });

  it('warns when the trust file that was named is missing and unsigned manifests are allowed', () => {
    const env = { ...least, SUPERCARGO_TRUST: '/t', SUPERCARGO_ALLOW_UNSIGNED: 'true' };
    expect(readConfig(env, host({ fileExists: () => false })).warnings).toEqual([
      'SUPERCARGO_TRUST names /t, which does not exist: unsigned manifests are accepted',
    ]);
  });
});

describe('reading less than all', () => {
  it('asks of status, pause and history neither a manifest nor trust', () => {
    expect(readPaths({ SUPERCARGO_WINDOW: 'x', SUPERCARGO_POLL: 'broken' })).toEqual({
      environment: undefined,
      stateDir: '/var/lib/supercargo',
      socketPath: '/run/supercargo/agent.sock',
    });
    expect(
      readPaths({ SUPERCARGO_ENVIRONMENT: 'qa', SUPERCARGO_SOCKET: '/s', STATE_DIRECTORY: '/v' }),
    ).toEqual({
      environment: 'qa',
      stateDir: '/v',
      socketPath: '/s',
    });
  });

  it('still refuses a wrong value among those', () => {
    expect(() => readPaths({ SUPERCARGO_SOCKET: 'agent.sock' })).toThrow('SUPERCARGO_SOCKET is "agent.sock"');
  });

  it('asks of validate only the places of the documents', () => {
    expect(readDocumentPaths({ SUPERCARGO_COMPOSE: '/c' })).toEqual({
      environment: undefined,
      composePath: '/c',
      trustFile: '/etc/supercargo/trust.json',
    });
  });
});

const credentialFiles = ({
  manifestCredentialsFile,
  report,
  dockerConfigDir,
}: ReturnType<typeof readConfig>) => [manifestCredentialsFile, report?.token, dockerConfigDir];

describe('credentials of systemd', () => {
  const env = { ...least, SUPERCARGO_REPORT_URL: 'https://r.example.com', CREDENTIALS_DIRECTORY: '/run/c' };
  it('stand for the variables that are not set', () => {
    expect(credentialFiles(readConfig(env, host({ hasCredential: () => true })))).toEqual([
      '/run/c/manifest-credentials',
      { kind: 'file', path: '/run/c/report-token' },
      '/run/c',
    ]);
  });

  it('give way to a variable', () => {
    const more = {
      SUPERCARGO_MANIFEST_CREDENTIALS: '/m',
      SUPERCARGO_REPORT_TOKEN: 't',
      DOCKER_CONFIG: '/d',
    };
    expect(credentialFiles(readConfig({ ...env, ...more }, host({ hasCredential: () => true })))).toEqual([
      '/m',
      { kind: 'value', value: 't' },
      '/d',
    ]);
  });

  it('are nothing where there are none', () => {
    expect(credentialFiles(readConfig(env, host()))).toEqual([
      undefined,
      { kind: 'none' },
      '/home/agent/.docker',
    ]);
  });
});

describe('readSurroundings', () => {
  it('tells a file that exists from one that does not', () => {
    const { fileExists } = readSurroundings();
    expect(
      [import.meta.filename, '/', '/no/such/file', `${import.meta.filename}/below`].map(fileExists),
    ).toEqual([true, true, false, false]);
  });
});
