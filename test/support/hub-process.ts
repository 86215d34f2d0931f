import { readFile } from 'node:fs/promises';
import { type Service, startService } from './command.ts';
import { eventually } from './poll.ts';

export interface HubProcessOptions {
  readonly program: string;
  readonly port: number;
  /** After `hub --listen`. */
  readonly words: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  readonly logFile: string;
}

/** A hub in a program of its own, on a port of loopback. */
export interface HubProcess {
  readonly port: number;
  readonly url: string;
  readonly pid: () => number | undefined;
  /** On the same port, over the same store; resolves when it can be asked. */
  readonly start: () => Promise<void>;
  /** SIGKILL. */
  readonly kill: () => Promise<void>;
}

/** It does not run yet. */
export const createHubProcess = (options: HubProcessOptions): HubProcess => {
  const { program, port, words, env, logFile } = options;
  const listen = `127.0.0.1:${String(port)}`;
  const url = `http://${listen}`;
  let service: Service | undefined;
  return {
    port,
    url,
    pid: () => service?.pid,
    start: async () => {
      service = startService(program, ['hub', '--listen', listen, ...words], { env, logFile });
      await eventually(async () => (await fetch(`${url}/healthz`)).ok, {
        describe: async () => `the hub answers at ${url}; its log:\n${await readFile(logFile, 'utf8')}`,
      });
    },
    kill: async () => {
      await service?.kill();
      service = undefined;
    },
  };
};
