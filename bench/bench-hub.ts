import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestSecure } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { createCertificate } from '../test/support/certificate.ts';
import { startService, type Service } from '../test/support/command.ts';
import { supercargo } from '../test/support/host.ts';
import { eventually } from '../test/support/poll.ts';
import { freePort } from '../test/support/ports.ts';

export const PUBLISH_TOKEN = 'publish-token-of-the-benchmark';
export const REPORT_SECRET = 'report-secret-of-the-benchmark';

/** A hub with the environment `bench`. */
export interface BenchHub {
  readonly port: number;
  readonly url: string;
  readonly pid: () => number;
  /** Returns the tag of the manifest. */
  readonly publish: (manifest: string) => Promise<string>;
  readonly heldPolls: () => Promise<number>;
  readonly residentBytes: () => Promise<number>;
  /** On the same port, with the same content; resolves when it answers. */
  readonly start: () => Promise<void>;
  readonly stop: () => Promise<void>;
  /** SIGKILL. */
  readonly kill: () => Promise<void>;
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

export interface BenchHubOptions {
  /** Of its own: for its log, and for what it keeps. */
  readonly folder: string;
  readonly isSecure?: boolean;
  /** Instead of bin/supercargo. */
  readonly program?: string;
  /** More options of `supercargo hub`. */
  readonly words?: readonly string[];
}

const START_MS = 120_000;

/** Starts a hub, which ends with us, also when we are killed. */
export const startBenchHub = async (options: BenchHubOptions): Promise<BenchHub> => {
  const { folder, isSecure = false, program = supercargo, words: more = [] } = options;
  const port = await freePort();
  const base = new URL(`${isSecure ? 'https' : 'http'}://127.0.0.1:${String(port)}`);
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    SUPERCARGO_PUBLISH_TOKEN: PUBLISH_TOKEN,
    SUPERCARGO_REPORT_SECRET: REPORT_SECRET,
  };
  const authorization = `Bearer ${PUBLISH_TOKEN}`;
  const words = ['hub', '--listen', `127.0.0.1:${String(port)}`, '--data', join(folder, 'data'), ...more];
  const tls = isSecure ? await createCertificate(folder, 'hub') : undefined;
  if (tls) words.push('--tls-cert', tls.cert, '--tls-key', tls.key);
  const logFile = join(folder, 'log');
  const running: { service?: Service } = {};
  const pid = (): number => {
    if (!running.service) throw new Error('the hub does not run');
    return running.service.pid;
  };
  const isAnswering = async (): Promise<boolean> => {
    const { status } = await ask(new URL('/readyz', base), { method: 'GET' });
    // An earlier hub does not know it, and answers nothing before it is ready.
    return status === 200 || status === 404;
  };
  const stop = async (): Promise<void> => {
    await running.service?.stop();
  };
  const start = async (): Promise<void> => {
    running.service = startService(program, words, { env, logFile });
    try {
      const describe = (): Promise<string> => readFile(logFile, 'utf8');
      await eventually(isAnswering, { everyMs: 10, deadlineMs: START_MS, describe });
    } catch (error) {
      await stop();
      throw error;
    }
  };
  await start();
  return {
    port,
    url: base.origin,
    pid,
    start,
    stop,
    kill: async () => running.service?.kill(),
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
      const status = await readFile(`/proc/${String(pid())}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
    },
  };
};

/** A hub of its own on a fresh folder. Ends the hub when the work has ended. */
export const withHub = async <T>(
  signal: AbortSignal,
  work: (hub: BenchHub) => Promise<T>,
  options: Omit<BenchHubOptions, 'folder'> = {},
): Promise<T> => {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-hub-'));
  try {
    const hub = await startBenchHub({ folder, ...options });
    try {
      return await work(hub);
    } finally {
      await hub.stop();
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
};
