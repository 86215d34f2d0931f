import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createCertificate } from '../test/support/certificate.ts';
import { startService } from '../test/support/command.ts';
import { supercargo } from '../test/support/host.ts';
import { eventually } from '../test/support/poll.ts';
import { freePort } from '../test/support/ports.ts';

const TOKEN = 'publish-token-of-the-benchmark';
export const REPORT_SECRET = 'report-secret-of-the-benchmark';

/** A hub of its own on a fresh folder, with the environment `bench`. */
export interface BenchHub {
  readonly port: number;
  /** Returns the tag of the manifest. */
  readonly publish: (manifest: string) => Promise<string>;
  readonly heldPolls: () => Promise<number>;
  readonly residentBytes: () => Promise<number>;
}

export const MANIFEST = '/manifests/bench.json';

interface Answer {
  readonly status: number;
  readonly etag: string;
  readonly body: string;
}

const ask = async (
  url: URL,
  { method, authorization, body }: { method: string; authorization?: string; body?: string },
): Promise<Answer> => {
  const headers = { ...(authorization !== undefined && { authorization }) };
  // The certificate is made for this run; the benchmark talks only to itself.
  const options = { method, headers, agent: false, rejectUnauthorized: false } as const;
  const sent = url.protocol === 'https:' ? requestSecure(url, options) : requestPlain(url, options);
  const answered = once(sent, 'response');
  sent.end(body);
  const [answer] = (await answered) as [IncomingMessage];
  return { status: answer.statusCode ?? 0, etag: answer.headers.etag ?? '', body: await text(answer) };
};

/** Ends the hub when the work has ended, or as soon as the signal is aborted. */
export const withHub = async <T>(
  signal: AbortSignal,
  work: (hub: BenchHub) => Promise<T>,
  { isSecure = false }: { readonly isSecure?: boolean } = {},
): Promise<T> => {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-hub-'));
  const port = await freePort();
  const base = new URL(`${isSecure ? 'https' : 'http'}://127.0.0.1:${String(port)}`);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    SUPERCARGO_PUBLISH_TOKEN: TOKEN,
    SUPERCARGO_REPORT_SECRET: REPORT_SECRET,
  };
  const authorization = `Bearer ${TOKEN}`;
  const words = ['hub', '--listen', `127.0.0.1:${String(port)}`, '--data', join(folder, 'data')];
  const logFile = join(folder, 'log');
  try {
    const tls = isSecure ? await createCertificate(folder, 'hub') : undefined;
    if (tls) words.push('--tls-cert', tls.cert, '--tls-key', tls.key);
    const service = startService(supercargo, words, { env, logFile });
    try {
      const isAnswering = async (): Promise<boolean> =>
        (await ask(new URL('/healthz', base), { method: 'GET' })).status === 200;
      await eventually(isAnswering, { describe: () => readFile(logFile, 'utf8') });
      return await work({
        port,
        publish: async (body) => {
          const answer = await ask(new URL(MANIFEST, base), { method: 'PUT', authorization, body });
          if (answer.status >= 300) throw new Error(`publish: ${String(answer.status)} ${answer.body}`);
          return answer.etag;
        },
        heldPolls: async () => {
          const { body } = await ask(new URL('/metrics', base), { method: 'GET', authorization });
          return Number(/^supercargo_hub_held_polls (\d+)$/m.exec(body)?.[1] ?? -1);
        },
        residentBytes: async () => {
          const status = await readFile(`/proc/${String(service.pid)}/status`, 'utf8');
          return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
        },
      });
    } finally {
      await service.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
