import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { TestProject } from 'vitest/node';
import { type TestPostgres, startPostgres } from './postgres.ts';

declare module 'vitest' {
  export interface ProvidedContext {
    /** Answers with the `PostgresAddress` of the run's server, which the first request starts. */
    postgresStarter: string;
  }
}

/** Once for all files of a run: a PostgreSQL server, started when the first of them asks for it. */
export const setup = async (project: TestProject): Promise<() => Promise<void>> => {
  let started: Promise<TestPostgres> | undefined;
  const starter = createServer((_, response) => {
    started ??= startPostgres();
    started.then(
      ({ folder, port }) => response.end(JSON.stringify({ folder, port })),
      (error: unknown) => response.writeHead(500).end(String(error)),
    );
  }).listen(0, '127.0.0.1');
  await once(starter, 'listening');
  const { port } = starter.address() as AddressInfo;
  project.provide('postgresStarter', `http://127.0.0.1:${String(port)}/`);
  return async () => {
    starter.close();
    await (await started)?.stop();
  };
};
