import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hostToken } from '../../src/core/hub/tokens.ts';
import type { Status } from '../../src/core/status/status-document.ts';
import { exchange, type HttpAnswer } from '../../src/io/http.ts';
import { createCertificate } from './certificate.ts';
import { type Service, startService } from './command.ts';
import { supercargo } from './host.ts';
import { eventually } from './poll.ts';
import { freePort } from './ports.ts';

/** A hub with TLS in a program of its own, on loopback. */
export interface TlsHub {
  readonly url: string;
  readonly start: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly put: (path: string, body: string) => Promise<number>;
  /** The last report of a host; undefined: there is none. */
  readonly report: (environment: string, host: string) => Promise<Status | undefined>;
}

export interface TlsHubs {
  /** The authority of all of them. */
  readonly caFile: string;
  readonly start: () => Promise<TlsHub>;
  readonly tokenOf: (environment: string, host: string) => string;
  readonly remove: () => Promise<void>;
}

const publishToken = 'publish-token-of-the-tests';
const reportSecret = 'report-secret-of-the-tests';
const timeouts = { connectMs: 5_000, responseMs: 10_000 };

/** Hubs with one certificate and the same secrets, each over a folder of its own. */
export const createTlsHubs = async (): Promise<TlsHubs> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-hubs-'));
  const { cert, key } = await createCertificate(folder, 'hub');
  const tls = { certificateAuthority: await readFile(cert, 'utf8') };
  const started: TlsHub[] = [];

  const start = async (): Promise<TlsHub> => {
    const port = await freePort();
    const url = `https://127.0.0.1:${String(port)}`;
    const dataDir = join(folder, String(port));
    const logFile = `${dataDir}.log`;
    let service: Service | undefined;
    const ask = async (method: 'GET' | 'PUT', path: string, body?: string): Promise<HttpAnswer> => {
      const headers = { authorization: `Bearer ${publishToken}` };
      const request = {
        method,
        url: new URL(path, url),
        headers,
        tls,
        timeouts,
        ...(body !== undefined && { body }),
      };
      return exchange(request, () => 1024 ** 2, new AbortController().signal);
    };
    const answers = (): Promise<boolean> =>
      ask('GET', '/healthz').then(
        ({ status }) => status === 200,
        () => false,
      );
    const run = async (): Promise<void> => {
      const words = [
        '--listen',
        `127.0.0.1:${String(port)}`,
        '--data',
        dataDir,
        '--tls-cert',
        cert,
        '--tls-key',
        key,
      ];
      const env = {
        PATH: process.env['PATH'] ?? '',
        HOME: folder,
        SUPERCARGO_PUBLISH_TOKEN: publishToken,
        SUPERCARGO_REPORT_SECRET: reportSecret,
      };
      service = startService(supercargo, ['hub', ...words], { env, logFile });
      await eventually(answers, {
        describe: async () => `the hub answers at ${url}; its log:\n${await readFile(logFile, 'utf8')}`,
      });
    };
    const hub: TlsHub = {
      url,
      start: run,
      kill: async () => service?.kill(),
      put: async (path, body) => (await ask('PUT', path, body)).status,
      report: async (environment, host) => {
        const { status, body } = await ask('GET', `/reports/${environment}/${host}.json`);
        return status === 200 ? (JSON.parse(body.toString()) as Status) : undefined;
      },
    };
    started.push(hub);
    await run();
    return hub;
  };

  return {
    caFile: cert,
    start,
    tokenOf: (environment, host) => hostToken(reportSecret, environment, host),
    remove: async () => {
      for (const hub of started) await hub.kill();
      await rm(folder, { recursive: true, force: true });
    },
  };
};
