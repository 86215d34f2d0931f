import { readFile } from 'node:fs/promises';
import { startService } from './command.ts';
import { isAlive } from './pids.ts';
import { eventually } from './poll.ts';

export interface Agent {
  readonly pid: number;
  readonly logFile: string;
  /** Everything it has logged. */
  readonly log: () => Promise<string>;
  /** Resolves when `readStatus` gives another exit code than 1 and 4 (not running). @throws with the log when it ended. */
  readonly ready: (readStatus: () => Promise<number | null>) => Promise<void>;
  /** Resolves with the exit code (null: by signal). */
  readonly ended: Promise<number | null>;
  /** SIGTERM; resolves with the exit code. */
  readonly stop: () => Promise<number | null>;
  /** SIGKILL, as a crash; nothing happens if it has ended. */
  readonly kill: () => Promise<void>;
}

export interface AgentOptions {
  /** The command line before `run`. */
  readonly program: readonly [string, ...string[]];
  readonly env: Readonly<Record<string, string>>;
  readonly logFile: string;
  readonly survives: boolean;
}

export const startAgent = ({ program, env, logFile, survives }: AgentOptions): Agent => {
  const [file, ...words] = program;
  const service = startService(file, [...words, 'run'], { env, logFile, survives });
  const log = async (): Promise<string> => readFile(logFile, 'utf8');
  const lastLines = async (): Promise<string> => (await log()).split('\n').slice(-15).join('\n');
  const assertAlive = async (): Promise<void> => {
    if (!isAlive(service.pid)) throw new Error(`the agent ended; its log:\n${await lastLines()}`);
  };
  return {
    pid: service.pid,
    logFile,
    log,
    ended: service.ended,
    stop: service.stop,
    kill: service.kill,
    ready: async (readStatus) => {
      await eventually(
        async () => {
          if (!isAlive(service.pid)) return true;
          const code = await readStatus();
          return code !== 1 && code !== 4;
        },
        { deadlineMs: 60_000, describe: async () => `the agent answers; its log:\n${await lastLines()}` },
      );
      await assertAlive();
    },
  };
};
