import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { LoadResult } from './edge-load.ts';
import type { Cut } from './load-process.ts';

export interface LoadReport extends LoadResult {
  /** Streams that ended before the load did. */
  readonly cuts: readonly Cut[];
}

export interface LoadProcess {
  readonly stop: () => Promise<LoadReport>;
}

export interface LoadOptions {
  readonly port: number;
  readonly host?: string;
  /** Of `createNamespace`. */
  readonly namespace?: string;
  /** Between two requests of one client. */
  readonly pauseMs?: number;
}

const program = join(import.meta.dirname, 'load-process.ts');

/**
 * Mixed load (kept and single GET and POST, 300 ms answers, a WebSocket, an event stream) from a process of its own. Resolves
 * once every kind is served. The process ends with us, even when we are killed.
 */
export const startLoadProcess = async (options: LoadOptions): Promise<LoadProcess> => {
  const { port, host = '127.0.0.1', namespace, pauseMs = 5 } = options;
  const words = [process.execPath, program, host, String(port), String(pauseMs)];
  const inside = namespace === undefined ? words : ['ip', 'netns', 'exec', namespace, ...words];
  const [file = '', ...args] = inside;
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const next = async (): Promise<string> => {
    const { done, value } = await lines.next();
    if (done === true) throw new Error(`the load against port ${String(port)} ended by itself`);
    return value;
  };
  await next();
  return {
    stop: async () => {
      child.stdin.end();
      return JSON.parse(await next()) as LoadReport;
    },
  };
};

/** Of both. */
export const mergeReports = (reports: readonly LoadReport[]): LoadReport => {
  const answers: Record<string, number> = {};
  for (const [app, count] of reports.flatMap((r) => Object.entries(r.answers)))
    answers[app] = (answers[app] ?? 0) + count;
  const samples = reports.flatMap((r) => r.samples);
  const sorted = samples.map(([, tookMs]) => tookMs).toSorted((a, b) => a - b);
  return {
    requests: reports.reduce((sum, r) => sum + r.requests, 0),
    failed: reports.flatMap((r) => r.failed),
    cuts: reports.flatMap((r) => r.cuts),
    answers,
    samples,
    p50Ms: percentile(sorted, 0.5),
    slowestMs: sorted.at(-1) ?? 0,
  };
};

/** Of sorted values; 0 of none. */
export const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;

/** What a test compares and prints: the first failures are enough. */
export const failuresOf = ({
  failed,
}: LoadResult): { readonly count: number; readonly first: readonly string[] } => ({
  count: failed.length,
  first: failed.slice(0, 5),
});

export const NO_FAILURES: ReturnType<typeof failuresOf> = { count: 0, first: [] };
