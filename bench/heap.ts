import { fork } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { build } from 'esbuild';
import { banner } from '../scripts/build.ts';
import { relativeRow, spreadOf, type Row } from './figures.ts';
import type { HeapAnswer } from './heap-life.ts';
import { daemonFlags } from './process-cost.ts';
import type { Setting } from './setting.ts';

const MB = 1024 ** 2;

/** Node can't take types away without WebAssembly, which the daemon's flags switch off. */
const bundled = async (folder: string): Promise<string> => {
  const outfile = join(folder, 'heap-life.mjs');
  const entryPoints = [join(import.meta.dirname, 'heap-life.ts')];
  await build({
    entryPoints,
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    banner: { js: banner },
    logLevel: 'warning',
  });
  return outfile;
};

const liveOnce = async (program: string): Promise<HeapAnswer> => {
  const child = fork(program, { execArgv: [...(await daemonFlags()), '--expose-gc'] });
  const { promise, resolve, reject } = Promise.withResolvers<HeapAnswer>();
  child.once('message', (answer) => resolve(answer as HeapAnswer));
  child.once('exit', (code) => reject(new Error(`the life of an agent ended with ${String(code)}`)));
  return promise;
};

/** On a simulated engine, or it would take hours: all of the agent above its adapters. */
export const measureHeap = async ({ rounds }: Setting): Promise<readonly Row[]> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-bench-heap-'));
  const lives: HeapAnswer[] = [];
  try {
    const program = await bundled(folder);
    for (let round = 0; round < rounds; round += 1) lives.push(await liveOnce(program));
  } finally {
    await rm(folder, { recursive: true });
  }
  const late = spreadOf(lives.map(({ lateBytes }) => lateBytes / MB));
  const early = spreadOf(lives.map(({ earlyBytes }) => earlyBytes / MB));
  return [
    relativeRow(1.05, {
      name: 'heap after 10,000 ticks and 500 deploys (simulated engine)',
      unit: 'MB',
      ours: late,
      yardstick: { name: 'after 100 ticks', spread: early },
    }),
  ];
};
