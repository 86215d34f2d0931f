import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { eventually } from './poll.ts';
import { isAlive } from './pids.ts';

export interface CommandResult {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** For spawn: without it, ours. */
export interface User {
  readonly uid: number;
  readonly gid: number;
}

export interface CommandOptions {
  readonly user?: User | undefined;
  readonly env?: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  /** After it the child gets SIGKILL and `signal` says so. */
  readonly timeoutMs?: number;
}

/**
 * Runs a program to its end. Never rejects because of an exit code; rejects where the program cannot be
 * started.
 */
export const runCommand = async (
  file: string,
  args: readonly string[],
  { env, cwd, input = '', timeoutMs = 60_000, user }: CommandOptions = {},
): Promise<CommandResult> =>
  new Promise((resolve, reject) => {
    const child = spawn(file, args, {
      env: env ?? process.env,
      cwd,
      ...user,
      timeout: timeoutMs,
      killSignal: 'SIGKILL',
    });
    const output = { stdout: '', stderr: '' };
    child.stdout.setEncoding('utf8').on('data', (text: string) => (output.stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (output.stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, ...output }));
    // A child that ends without reading its input is no error.
    child.stdin.on('error', () => undefined).end(input);
  });

export interface Service {
  readonly pid: number;
  /** Resolves with the exit code (null: by signal). */
  readonly ended: Promise<number | null>;
  /** The ending signal, then SIGKILL after the grace time. Resolves with the exit code. */
  readonly stop: (graceMs?: number) => Promise<number | null>;
  readonly kill: () => Promise<void>;
}

export interface ServiceOptions {
  readonly user?: User | undefined;
  readonly cwd?: string;
  /** What ends it in order; SIGTERM unless given. */
  readonly endSignal?: NodeJS.Signals;
  readonly env?: NodeJS.ProcessEnv;
  /** Standard output and error are appended here. */
  readonly logFile: string;
  /** Goes on after we end. Otherwise the kernel ends it with us, even when we are killed. */
  readonly survives?: boolean;
}

/** Starts a program in the background, in its own session: Ctrl-C reaches us, and we end it in order. */
export const startService = (file: string, args: readonly string[], options: ServiceOptions): Service => {
  const { env = process.env, cwd, user, endSignal = 'SIGTERM' } = options;
  const log = openSync(options.logFile, 'a');
  const [program, parameters] =
    options.survives === true
      ? [file, args]
      : ['setpriv', ['--pdeathsig', endSignal.slice('SIG'.length), '--', file, ...args]];
  const child = spawn(program, parameters, {
    env,
    cwd,
    ...user,
    detached: true,
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<number | null>((resolve) => {
    child.on('exit', (code) => resolve(code));
    child.on('error', () => resolve(127));
  });
  if (options.survives === true) child.unref();
  const { pid } = child;
  if (pid === undefined) throw new Error(`cannot start ${file}`);
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await ended;
  };
  const stop = async (graceMs = 10_000): Promise<number | null> => {
    child.kill(endSignal);
    await eventually(() => child.exitCode !== null || child.signalCode !== null || !isAlive(pid), {
      deadlineMs: graceMs,
      describe: () => `${file} ends`,
    }).catch(kill);
    return ended;
  };
  return { pid, ended, stop, kill };
};
