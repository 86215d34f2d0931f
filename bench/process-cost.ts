import { spawn } from 'node:child_process';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const root = join(import.meta.dirname, '..');

/** As bin/supercargo starts the daemon. */
export const daemonFlags = async (): Promise<readonly string[]> =>
  (await readFile(join(root, 'bin', 'node-flags'), 'utf8')).trim().split(/\s+/);

/**
 * Of all threads, user and system, in milliseconds: the first field of schedstat counts nanoseconds, where
 * stat counts ticks of 10 ms.
 */
export const cpuMs = async (pid: number): Promise<number> => {
  const tasks = `/proc/${String(pid)}/task`;
  const texts = (await readdir(tasks)).map((id) =>
    readFile(join(tasks, id, 'schedstat'), 'utf8').catch(() => '0'),
  );
  const spent = (await Promise.all(texts)).map((text) => Number(text.split(' ')[0]) / 1e6);
  return spent.reduce((sum, ms) => sum + ms, 0);
};

/** Resident, file-backed pages too, in MB. */
export const residentMb = async (pid: number): Promise<number> => {
  const status = await readFile(`/proc/${String(pid)}/status`, 'utf8');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? 0) / 1024;
};

/** CPU time of one tick, so many times; test hosts poll every second. */
export const tickCosts = async (
  pid: number,
  samples: number,
  seconds: number,
): Promise<readonly number[]> => {
  const costs: number[] = [];
  for (let n = 0; n < samples; n += 1) {
    const before = await cpuMs(pid);
    await sleep(seconds * 1000);
    costs.push(((await cpuMs(pid)) - before) / seconds);
  }
  return costs;
};

/** Memory of Node with the flags of the daemon and nothing to do. */
export const bareNodeMb = async (): Promise<number> => {
  const child = spawn(process.execPath, [...(await daemonFlags()), '-e', 'setInterval(() => {}, 1e6)']);
  await sleep(1_500);
  const mb = await residentMb(child.pid ?? 0);
  child.kill();
  return mb;
};

/** From the start of a program to a word of its output, or its end. It is ended. */
export const timeToWord = async (
  file: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
  word?: string,
): Promise<number> => {
  const started = performance.now();
  const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('exit', resolve));
  const { promise, resolve, reject } = Promise.withResolvers<number>();
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    said += text;
    if (word !== undefined && said.includes(word)) resolve(performance.now() - started);
  });
  child.once('exit', () => {
    if (word === undefined) resolve(performance.now() - started);
    else reject(new Error(`it ended without ${word}:\n${said}`));
  });
  try {
    return await promise;
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
};
