import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Status } from '../../src/core/status/status-document.ts';
import { type CommandResult, runCommand } from './command.ts';
import { supercargo } from './host.ts';
import { createHubProcess, type HubProcessOptions } from './hub-process.ts';
import { freePort } from './ports.ts';
import { startSeveralHubs } from './several-hubs.ts';

/**
 * A hub in a program of its own, on loopback; or, in the project `hubs`, three of them on PostgreSQL behind
 * HAProxy. Then `kill` ends all three.
 */
export interface FleetHub {
  readonly port: number;
  /** For `--to`, and before the path of a MANIFEST_URL. */
  readonly url: string;
  readonly dataDir: string;
  readonly publishToken: string;
  readonly reportSecret: string;
  /** Of one of them. */
  readonly pid: () => number | undefined;
  /** On the same port, with the same content. */
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
  /** What `supercargo hub token` prints. */
  readonly tokenOf: (environment: string, host: string) => Promise<string>;
  /** Statuses by host, as the hub has them. */
  readonly reports: (environment: string) => Promise<Readonly<Record<string, Status>>>;
  /** A document of the hub as text; undefined: there is none. */
  readonly read: (path: string) => Promise<string | undefined>;
  /** Writes as whoever has the publish token, with any content. Resolves with the HTTP status. */
  readonly put: (path: string, body: string) => Promise<number>;
  readonly remove: () => Promise<void>;
}

const publishToken = 'publish-token-of-the-tests';
const reportSecret = 'report-secret-of-the-tests';
const secrets = {
  SUPERCARGO_PUBLISH_TOKEN: publishToken,
  SUPERCARGO_REPORT_SECRET: reportSecret,
};

const firstLine = ({ code, stdout, stderr }: CommandResult): string => {
  if (code !== 0) throw new Error(`supercargo hub token ended with ${String(code)}: ${stderr}`);
  return stdout.trim();
};

/** What answers at the address of a `FleetHub`. */
type Served = Pick<FleetHub, 'port' | 'pid' | 'start' | 'kill'> & {
  /** Ends it for good. */
  readonly end: () => Promise<void>;
};

const startOne = async (options: Omit<HubProcessOptions, 'port'>, dataDir: string): Promise<Served> => {
  const words = ['--data', dataDir, ...options.words];
  const hub = createHubProcess({ ...options, words, port: await freePort() });
  await hub.start();
  return { ...hub, end: hub.kill };
};

const startSeveral = async (options: Omit<HubProcessOptions, 'port'>, dataDir: string): Promise<Served> => {
  // Only now: benchmarks start a hub too, and have no run to share a server with.
  const { sharedDatabase } = await import('./shared-postgres.ts');
  const { url } = await sharedDatabase();
  const { balancer, hubs, start, kill, remove } = await startSeveralHubs({ ...options, dataDir, store: url });
  return { port: balancer.port, pid: () => hubs[0]?.pid(), start, kill, end: remove };
};

export const startHub = async (args: readonly string[] = [], program = supercargo): Promise<FleetHub> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-hub-'));
  const dataDir = join(folder, 'data');
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...secrets };
  const serve = process.env['SUPERCARGO_TEST_HUBS'] === 'several' ? startSeveral : startOne;
  const served = await serve({ program, words: args, env, logFile: join(folder, 'log') }, dataDir);
  const { port, pid, start, kill } = served;
  const url = `http://127.0.0.1:${String(port)}`;
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/${path}`, { ...init, headers: { authorization: `Bearer ${publishToken}` } });
  return {
    port,
    url,
    dataDir,
    publishToken,
    reportSecret,
    start,
    kill,
    pid,
    tokenOf: async (environment, host) =>
      firstLine(await runCommand(supercargo, ['hub', 'token', environment, host], { env })),
    reports: async (environment) => {
      const response = await ask(`reports/${environment}`);
      if (!response.ok) throw new Error(`GET /reports/${environment}: ${String(response.status)}`);
      const { hosts } = (await response.json()) as { hosts: { host: string; status: Status }[] };
      return Object.fromEntries(hosts.map(({ host, status }) => [host, status]));
    },
    read: async (path) => {
      const response = await ask(path);
      const text = await response.text();
      return response.ok ? text : undefined;
    },
    put: async (path, body) => {
      const response = await ask(path, { method: 'PUT', body });
      await response.text();
      return response.status;
    },
    remove: async () => {
      await served.end();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
