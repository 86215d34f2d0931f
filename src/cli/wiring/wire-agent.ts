import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createDockerEngine } from '../../adapters/docker/docker-engine.ts';
import type { EngineAddress } from '../../adapters/docker/connect.ts';
import { acquireLock } from '../../adapters/lock.ts';
import { createEdges } from '../../adapters/edge/edges.ts';
import { hostHasIpv6 } from '../../adapters/edge/listeners.ts';
import { readOwnContainer } from '../../adapters/own-container.ts';
import { createProbe } from '../../adapters/probe.ts';
import { createRegistryCredentials } from '../../adapters/registry-credentials/registry-credentials.ts';
import { createArchiveSource } from '../../adapters/manifest-source/archive-source.ts';
import {
  createManifestSource,
  type ManifestSourceOptions,
} from '../../adapters/manifest-source/manifest-source.ts';
import { createMetricsFile } from '../../adapters/metrics-file.ts';
import { createReportStore } from '../../adapters/report-store/report-store.ts';
import { createTurnSource } from '../../adapters/report-store/turn-source.ts';
import { createJournal } from '../../adapters/state-dir/journal-file.ts';
import { createLedgerStore } from '../../adapters/state-dir/ledger-store.ts';
import { createAgent, type Agent } from '../../agent/agent.ts';
import type { AgentPorts } from '../../agent/agent-ports.ts';
import type { Config } from '../../config/agent-config.ts';
import { edgeCheckCommand } from '../../core/edge/edge-container.ts';
import { edgeContainerName } from '../../core/docker-names.ts';
import type { EdgeSetting } from '../../core/plan/plan-input.ts';
import type { EventLog } from '../../core/events.ts';
import type { RegistryCredentials } from '../../core/ports/registry-credentials.ts';
import { sweepTemporaries } from '../../io/durable-file.ts';
import { createConnections, type Connections } from '../../io/connections.ts';
import { createHubs, showAddress, type HubList, type Hubs } from '../../io/hub-failover.ts';
import type { SocketLock } from '../../io/socket-lock.ts';
import { readAgentTlsFiles, type TlsFiles, type TlsMaterial } from '../../io/tls-files.ts';
import { VERSION } from '../version.ts';
import { createHostFiles } from './host-files.ts';

export interface Wired {
  readonly agent: Agent;
  readonly ports: AgentPorts;
  /** The registry logins of this host. */
  readonly credentials: RegistryCredentials;
  /**
   * Takes the lock: one writer per engine and environment. Idempotent.
   * @throws AgentError AGENT_RUNNING or ENGINE_OFFLINE
   */
  readonly claim: () => Promise<void>;
  readonly release: () => Promise<void>;
  /** What to watch for changes: compose, env and trust files, and a manifest that is a file. */
  readonly watched: () => {
    readonly files: readonly string[];
    readonly folders: readonly string[];
    readonly manifest: string | undefined;
  };
}

export interface WireOptions {
  readonly log: EventLog;
  /** Only observes; writes and starts nothing. */
  readonly dryRun: boolean;
  /** The daemon's process id; undefined for the other commands. */
  readonly daemonPid: number | undefined;
}

const engineAddress = ({ engine: { address, tlsFolder } }: Config): EngineAddress =>
  address.kind === 'unix' ? address : { kind: 'tcp', host: address.host, port: address.port, tlsFolder };

/** Connects the agent's ports with their adapters. */
export const wireAgent = (config: Config, { log, dryRun, daemonPid }: WireOptions): Wired => {
  const credentials = createRegistryCredentials({
    dockerConfigDir: config.dockerConfigDir,
    path: config.path,
    home: config.home,
  });
  const hostFiles = createHostFiles(config.composePath, config.trustFile);
  const edgeFolder = join(config.stateDir, 'edge');
  const [uid, gid] = [process.getuid?.() ?? 0, process.getgid?.() ?? 0];
  const connections = createConnections();
  const hubs = createHubs({
    host: config.host,
    onLost: (address, reason) =>
      log.write('warn', 'hub.lost', { url: showAddress(address), message: reason }),
    onReached: (address) => log.write('info', 'hub.reached', { url: showAddress(address) }),
  });
  const sources = {
    credentials,
    mirrors: config.mirrors,
    ...(config.takesArchives && {
      archives: createArchiveSource(sourceOptions(config, hubs.list('archives', config.manifestUrls))),
    }),
  };
  const engine = createDockerEngine(engineAddress(config), sources, { folder: edgeFolder, uid, gid });
  const ports: AgentPorts = {
    engine,
    edges: createEdges({
      folder: edgeFolder,
      check: (instance, signal) =>
        engine.run(edgeContainerName(config.environment, instance), edgeCheckCommand, signal),
    }),
    source: createManifestSource({
      ...sourceOptions(config, hubs.list('manifest', config.manifestUrls)),
      connections,
    }),
    files: hostFiles.files,
    ledger: createLedgerStore(join(config.stateDir, 'ledger.json'), config.environment),
    journal: createJournal({ path: join(config.stateDir, 'history.jsonl') }),
    probe: createProbe(),
    ...(config.report && storesOf(config, config.report, hubs, connections)),
    ...(config.metricsFile !== undefined && { metrics: createMetricsFile(config.metricsFile) }),
    log,
    now: Date.now,
    random: Math.random,
  };
  const { environment, host, labels, keepReleases, turns, windows, mirrors } = config;
  const identity = { running: daemonPid !== undefined, version: VERSION, pid: daemonPid ?? null };
  let lock: SocketLock | undefined;
  return {
    agent: createAgent(
      ports,
      {
        environment,
        host,
        labels,
        keepReleases,
        turns,
        windows,
        mirrors,
        edge: edgeSetting(config, uid),
        ownContainerId: readOwnContainer(),
      },
      identity,
      dryRun,
    ),
    ports,
    credentials,
    claim: async () => {
      if (lock) return;
      lock = await acquireLock({ engineId: (await ports.engine.facts()).id, environment });
      // Removes what a killed writer left half written. The lock excludes other writers.
      await sweepTemporaries(config.stateDir).catch(() => []);
    },
    release: async () => {
      connections.close();
      await lock?.release();
      lock = undefined;
    },
    watched: () => ({
      ...hostFiles.watched(),
      manifest: manifestFileOf(config),
    }),
  };
};

const manifestFileOf = ({ manifestUrls: [first] }: Config): string | undefined =>
  first.startsWith('file:') ? fileURLToPath(first) : undefined;

const storesOf = (
  config: Config,
  { urls, turnsUrls, token }: NonNullable<Config['report']>,
  hubs: Hubs,
  connections: Connections,
): Pick<AgentPorts, 'reports' | 'turns'> => {
  const access = { token, readTls: tlsReader(config), connections };
  return {
    reports: createReportStore({ hubs: hubs.list('reports', urls), ...access }),
    turns: createTurnSource({ hubs: hubs.list('turns', turnsUrls), ...access }),
  };
};

const edgeSetting = (
  { edgeImage, edgeMode, trustedProxies, healthListen, healthLeadMs }: Config,
  agentUid: number,
): EdgeSetting => ({
  image: {
    reference: edgeImage,
    digest: edgeImage.digest,
    imageId: undefined,
    pullPolicy: 'missing',
    platform: undefined,
  },
  mode: edgeMode,
  agentUid,
  hasIpv6: hostHasIpv6(),
  trustedProxies,
  health: healthListen && { ...healthListen, leadMs: healthLeadMs },
});

const sourceOptions = (config: Config, hubs: HubList): ManifestSourceOptions => ({
  hubs,
  ...(config.manifestCredentialsFile !== undefined && { credentialsFile: config.manifestCredentialsFile }),
  tls: tlsFiles(config),
});

const tlsFiles = ({ caFile, clientCertificate }: Config): TlsFiles => ({
  ca: caFile,
  clientCert: clientCertificate?.certFile,
  clientKey: clientCertificate?.keyFile,
});

/** Reports use the certificates of the manifest source: both servers have the company's one authority. */
export const tlsReader =
  (config: Config) =>
  (signal: AbortSignal): Promise<TlsMaterial> =>
    readAgentTlsFiles(tlsFiles(config), signal);
