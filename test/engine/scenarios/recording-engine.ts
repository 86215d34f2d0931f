import { rm } from 'node:fs/promises';
import { createServer, request, type RequestListener, type Server } from 'node:http';
import { join } from 'node:path';
import { inject, onTestFinished } from 'vitest';
import type { TestHost } from '../../support/host.ts';

export interface RecordingEngine {
  /** For DOCKER_HOST. */
  readonly dockerHost: string;
  /** `METHOD /path` of every call, in order. */
  readonly calls: readonly string[];
  /** Those that may change something. */
  readonly writes: () => readonly string[];
  /** Nobody answers any more, as with an engine that was stopped. */
  readonly stop: () => Promise<void>;
  readonly start: () => Promise<void>;
}

/** Stands between an agent and the engine, passes everything on, and remembers what was asked. */
export const createRecordingEngine = async ({ folder }: TestHost): Promise<RecordingEngine> => {
  const calls: string[] = [];
  const socket = join(folder, 'recording.sock');
  const target = inject('dockerHost').replace('unix://', '');
  let server: Server | undefined;

  const pass: RequestListener = (incoming, outgoing) => {
    const { method = '', url = '', headers } = incoming;
    calls.push(`${method} ${url.replace(/^\/v[0-9.]+/, '')}`);
    const passed = request({ socketPath: target, method, path: url, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      // The caller waits for the head of an endless answer (events) before anything is in it.
      outgoing.flushHeaders();
      answer.pipe(outgoing);
    });
    passed.on('error', () => outgoing.destroy());
    outgoing.on('close', () => passed.destroy());
    incoming.pipe(passed);
  };
  const stop = async (): Promise<void> => {
    server?.closeAllConnections();
    server?.close();
    server = undefined;
    await rm(socket, { force: true });
  };
  const start = async (): Promise<void> => {
    const next = createServer(pass);
    await new Promise<void>((resolve) => next.listen(socket, resolve));
    server = next;
  };
  await start();
  onTestFinished(stop);
  return {
    dockerHost: `unix://${socket}`,
    calls,
    writes: () => calls.filter((call) => !/^(GET|HEAD) /.test(call)),
    stop,
    start,
  };
};
