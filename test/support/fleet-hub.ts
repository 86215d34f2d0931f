import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Status } from '../../src/core/status/status-document.ts';
import { type CommandResult, runCommand, type Service, startService } from './command.ts';
import { supercargo } from './host.ts';
import { eventually } from './poll.ts';
import { freePort } from './ports.ts';

/** A hub in a program of its own, on loopback. */
export interface FleetHub {
  readonly port: number;
  /** For `--to`, and before the path of a MANIFEST_URL. */
  readonly url: string;
  readonly dataDir: string;
  readonly publishToken: string;
  readonly reportSecret: string;
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

export const startHub = async (args: readonly string[] = [], program = supercargo): Promise<FleetHub> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-hub-'));
  const dataDir = join(folder, 'data');
  const logFile = join(folder, 'log');
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const env = { PATH: process.env['PATH'] ?? '', HOME: folder, ...secrets };
  let service: Service | undefined;
  const start = async (): Promise<void> => {
    const words = ['hub', '--listen', `127.0.0.1:${String(port)}`, '--data', dataDir, ...args];
    service = startService(program, words, { env, logFile });
    await eventually(async () => (await fetch(`${url}/healthz`)).ok, {
      describe: async () => `the hub answers at ${url}; its log:\n${await readFile(logFile, 'utf8')}`,
    });
  };
  const kill = async (): Promise<void> => {
    await service?.kill();
    service = undefined;
  };
  const ask = async (path: string, init: RequestInit = {}): Promise<Response> =>
    fetch(`${url}/${path}`, { ...init, headers: { authorization: `Bearer ${publishToken}` } });
  await start();
  return {
    port,
    url,
    dataDir,
    publishToken,
    reportSecret,
    start,
    kill,
    pid: () => service?.pid,
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
      await kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
