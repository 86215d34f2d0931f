import { resolve } from 'node:path';
import { createLog } from '../../adapters/log.ts';
import { createSystemd, type Systemd } from '../../adapters/systemd.ts';
import { readHubConfig, type HubConfig } from '../../config/hub-config.ts';
import { readHubSecrets } from '../../config/hub-secrets.ts';
import { AgentError, messageOf, toAgentError } from '../../core/errors.ts';
import type { EventLog } from '../../core/events.ts';
import { isLoopback, type ListenAddress } from '../../core/hub/listen-address.ts';
import type { Trust } from '../../core/manifest/manifest.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { TlsFiles } from '../../hub/http/http-server.ts';
import type { Hub } from '../../hub/hub.ts';
import type { HubLimits } from '../../hub/limits.ts';
import { readPem } from '../../io/tls-files.ts';
import { databaseOf } from '../wiring/hub-database.ts';
import { openHubPlace, type HubPlace } from '../wiring/hub-place.ts';
import { createHubTrust, TRUST_FILE } from '../wiring/hub-trust.ts';
import { durationArgument, listenArgument } from '../arguments.ts';
import type { Call } from '../call.ts';
import type { HubDoctorOptions } from '../doctor/check-hub.ts';
import { VERSION } from '../version.ts';

interface Options extends HubDoctorOptions {
  readonly maxHosts: string;
  readonly maxServices: string;
  readonly maxEnvironments: string;
  readonly maxArchive: string;
  readonly forgetAfter?: string;
}

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

const toCount = (option: string, text: string): number => {
  const count = /^\d{1,6}$/.test(text) ? Number(text) : 0;
  if (count > 0) return count;
  throw usage(`"${text}" is not a valid ${option}`, 'write a whole number from 1 to 999999');
};

const UNITS: Readonly<Record<string, number>> = { M: 1024 ** 2, G: 1024 ** 3, T: 1024 ** 4 };

const toBytes = (option: string, text: string): number => {
  const [, digits = '', unit = ''] = /^(\d{1,6})([MGT])$/.exec(text) ?? [];
  const bytes = Number(digits) * (UNITS[unit] ?? 0);
  if (bytes > 0) return bytes;
  throw usage(`"${text}" is not a valid ${option}`, 'write a whole number and M, G or T, like 16G');
};

const unreadable = (path: string, error: unknown): AgentError =>
  new AgentError('CONFIG', `${path} cannot be read: ${messageOf(error)}`, {
    cause: error,
    advice: 'name a PEM file that the user of the hub may read',
  });

const readTls = async ({ tlsCert, tlsKey }: Options): Promise<TlsFiles | undefined> => {
  if (tlsCert === undefined && tlsKey === undefined) return undefined;
  if (tlsCert === undefined || tlsKey === undefined)
    throw usage(
      'a certificate needs its key, and a key its certificate',
      'give both --tls-cert and --tls-key',
    );
  return { cert: await readPem(tlsCert, unreadable), key: await readPem(tlsKey, unreadable) };
};

const warningsOf = (
  config: HubConfig,
  { host }: ListenAddress,
  options: Options,
  trust: Trust | undefined,
): readonly string[] => [
  ...config.warnings,
  ...(isLoopback(host) || options.tlsCert !== undefined
    ? []
    : [
        'tokens and reports travel in clear text: give --tls-cert and --tls-key, ' +
          'or listen on 127.0.0.1 behind a proxy with TLS',
      ]),
  ...(isLoopback(host) || config.secrets.readTokens.length > 0
    ? []
    : ['SUPERCARGO_READ_TOKEN is not set: reports and the page need the publish token']),
  ...(trust === undefined
    ? [
        'there is no trust file: only the hosts check signatures, not the hub; ' +
          `put the hosts' trust.json into ${options.data}/${TRUST_FILE}, or name it with --trust`,
      ]
    : []),
];

interface Renewable {
  readonly options: Options;
  /** Names the files of the secrets. */
  readonly env: NodeJS.ProcessEnv;
}

/** Reads certificate and secrets again at SIGHUP. The hub keeps the old ones if the new ones are invalid. */
const renewOnHangup = (hub: Hub, { options, env }: Renewable, log: EventLog): (() => void) => {
  const warn = (what: string, error: unknown): void => {
    const { advice } = toAgentError(error);
    const message = `${what}: ${messageOf(error)}`;
    log.write('error', 'hub.warned', { message, ...(advice !== undefined && { advice }) });
  };
  const renewTls = async (): Promise<void> => {
    const files = await readTls(options);
    if (files) hub.renewTls(files);
  };
  const renewSecrets = async (): Promise<void> => {
    const { secrets, warnings } = await readHubSecrets(env);
    hub.renewSecrets(secrets);
    for (const message of warnings) log.write('warn', 'hub.warned', { message });
    log.write('info', 'hub.renewed');
  };
  const renew = async (): Promise<void> => {
    await renewTls().catch((error: unknown) => warn('the certificate is not renewed', error));
    await renewSecrets().catch((error: unknown) =>
      warn('the secrets are not renewed, the old ones count', error),
    );
  };
  /** One after the other: an earlier reading must not replace a later one. */
  const queue = { last: Promise.resolve() };
  const onHangup = (): void => {
    queue.last = queue.last.then(renew);
  };
  process.on('SIGHUP', onHangup);
  return () => process.off('SIGHUP', onHangup);
};

const untilAborted = (signal: AbortSignal): Promise<void> =>
  new Promise((done) => {
    if (signal.aborted) done();
    else signal.addEventListener('abort', () => done(), { once: true });
  });

/** A host reports once a minute, and counts as silent after three. */
const LEAST_FORGET_MS = 600_000;

const toForgetAfter = (text: string): number => {
  const ms = durationArgument(text);
  if (ms >= LEAST_FORGET_MS) return ms;
  throw usage(`"${text}" is too short for --forget-after`, 'write 10m or more, like 30d');
};

const limitsOf = (options: Options): HubLimits => ({
  hosts: toCount('--max-hosts', options.maxHosts),
  services: toCount('--max-services', options.maxServices),
  environments: toCount('--max-environments', options.maxEnvironments),
  connections: toCount('--max-connections', options.maxConnections),
  archiveBytes: toBytes('--max-archive', options.maxArchive),
  ...(options.forgetAfter !== undefined && { forgetAfterMs: toForgetAfter(options.forgetAfter) }),
});

interface Surroundings extends HubPlace {
  readonly config: HubConfig;
  readonly signal: AbortSignal;
  readonly log: EventLog;
  readonly trust: () => Promise<Trust | undefined>;
}

/** Loads the server and the page only now, so that wrong options fail fast. */
const open = async (
  options: Options,
  { config, store, archives, log, trust, signal }: Surroundings,
): Promise<Hub> => {
  const [listen, tls] = [listenArgument(options.listen), await readTls(options)];
  const { startHub } = await import('../../hub/hub.ts');
  const { pageAssets } = await import('../../hub/page/assets.ts');
  return startHub({
    archives,
    store,
    secrets: config.secrets,
    listen,
    tls,
    trust,
    limits: limitsOf(options),
    assets: pageAssets(),
    log,
    now: Date.now,
    version: VERSION,
    signal,
  });
};

const systemdOf = ({ notifySocket, path }: HubConfig, pid: number, log: EventLog): Systemd =>
  createSystemd({
    notifySocket,
    watchdogUsec: undefined,
    watchdogPid: undefined,
    pid,
    path,
    onFailure: (message) => log.write('warn', 'hub.warned', { message }),
  });

export const run = async ({ io, signal }: Call, options: Options): Promise<ExitCode> => {
  const config = await readHubConfig(io.env, io.stdout.isTTY);
  // Checks the options before it creates anything.
  const data = resolve(options.data);
  const listen = listenArgument(options.listen);
  const trust = createHubTrust({ file: options.trust, data });
  const warnings = warningsOf(config, listen, options, await trust());
  limitsOf(options);
  await readTls(options);
  const database = databaseOf(options.store, io.env);
  const log = await createLog({ ...config.log, environment: undefined });
  const systemd = systemdOf(config, io.pid, log);
  const onRemark = (message: string): void => log.write('warn', 'hub.warned', { message });
  const place = await openHubPlace({ data, database, onRemark });
  try {
    const hub = await open(options, { ...place, config, log, trust, signal }).catch((error: unknown) => {
      if (signal.aborted) return undefined;
      throw error;
    });
    if (hub === undefined) return EXIT.ok;
    const stopRenewing = renewOnHangup(hub, { options, env: io.env }, log);
    for (const message of warnings) onRemark(message);
    const { name } = place.store;
    log.write('info', 'hub.started', { version: VERSION, url: hub.url, data, store: name, pid: io.pid });
    void systemd.ready();
    void systemd.status(`serving ${hub.url}`);
    await untilAborted(signal);
    stopRenewing();
    await Promise.all([hub.close(), systemd.stopping()]);
    log.write('info', 'hub.stopped');
  } finally {
    await place.store.close();
  }
  return EXIT.ok;
};
