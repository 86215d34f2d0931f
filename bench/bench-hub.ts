import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
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

/** Ends the hub when the work has ended, or as soon as the signal is aborted. */
export const withHub = async <T>(signal: AbortSignal, work: (hub: BenchHub) => Promise<T>): Promise<T> => {
  signal.throwIfAborted();
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-hub-'));
  const port = await freePort();
  const url = `http://127.0.0.1:${String(port)}`;
  const env = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    SUPERCARGO_PUBLISH_TOKEN: TOKEN,
    SUPERCARGO_REPORT_SECRET: REPORT_SECRET,
  };
  const words = ['hub', '--listen', `127.0.0.1:${String(port)}`, '--data', join(folder, 'data')];
  const logFile = join(folder, 'log');
  const service = startService(supercargo, words, { env, logFile });
  const isAnswering = async (): Promise<boolean> => (await fetch(`${url}/healthz`)).ok;
  try {
    await eventually(isAnswering, { describe: () => readFile(logFile, 'utf8') });
    return await work({
      port,
      publish: async (body) => {
        const headers = { authorization: `Bearer ${TOKEN}` };
        const answer = await fetch(`${url}${MANIFEST}`, { method: 'PUT', headers, body });
        if (!answer.ok) throw new Error(`publish: ${String(answer.status)} ${await answer.text()}`);
        return answer.headers.get('etag') ?? '';
      },
      heldPolls: async () => {
        const text = await (await fetch(`${url}/metrics`)).text();
        return Number(/^supercargo_hub_held_polls (\d+)$/m.exec(text)?.[1] ?? -1);
      },
      residentBytes: async () => {
        const status = await readFile(`/proc/${String(service.pid)}/status`, 'utf8');
        return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
      },
    });
  } finally {
    await service.stop();
    await rm(folder, { recursive: true, force: true });
  }
};
