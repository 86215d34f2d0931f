import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { expect, it, onTestFinished } from 'vitest';
import { runProgram } from '../../src/cli/program.ts';
import type { Io } from '../../src/cli/streams.ts';
import { startDatabaseHub } from '../support/database-hub.ts';
import { postgresProgram, runOrThrow } from '../support/postgres-programs.ts';
import { startPostgres } from '../support/postgres.ts';
import { PUBLISH } from '../unit/hub/scene.ts';

const digestOf = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const configOf = (tag: string): string =>
  JSON.stringify({ os: 'linux', architecture: 'amd64', config: { Labels: { tag } } });
const imageOf = (tag: string): string =>
  JSON.stringify({ config: { digest: digestOf(configOf(tag)) }, layers: [] });

/** Has every tag. */
const startRegistry = async (): Promise<string> => {
  const byDigest = new Map<string, string>();
  const server = createServer((request, response) => {
    const name = request.url?.split('/').at(-1) ?? '';
    if (!name.startsWith('sha256:'))
      for (const text of [imageOf(name), configOf(name)]) byDigest.set(digestOf(text), text);
    const body = name.startsWith('sha256:') ? byDigest.get(name) : imageOf(name);
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return `127.0.0.1:${String((server.address() as AddressInfo).port)}`;
};

const publish = async (url: string, image: string): Promise<string> => {
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const told = { text: '' };
  for (const stream of [stdout, stderr])
    stream.on('data', (chunk: Buffer) => (told.text += chunk.toString()));
  const env = { SUPERCARGO_PUBLISH_TOKEN: PUBLISH };
  const io = { stdin: new PassThrough(), stdout, stderr, env, pid: 1 } as unknown as Io;
  const argv = ['publish', 'staging', `web=${image}`, '--insecure-unsigned', '--create', '--to', url];
  const code = await runProgram(argv, io, () => Promise.resolve(io), new AbortController().signal);
  expect([code, told.text]).toEqual([0, expect.any(String)]);
  return told.text;
};

it('a database that was restored is behind its hosts, and the next publish goes above what they report', async () => {
  const server = await startPostgres();
  onTestFinished(server.stop);
  const { name, url } = await server.createDatabase();
  const place = ['--host', server.folder, '--port', String(server.port), '--username', 'postgres'];
  const dump = join(server.folder, 'hub.dump');
  const registry = await startRegistry();

  const before = await startDatabaseHub(url, server.folder);
  for (const tag of [1, 2, 3]) await publish(before.url, `${registry}/web:${String(tag)}`);
  expect(await before.report(3)).toBe(201);
  const dumped = ['--format=custom', '--no-unlogged-table-data', `--file=${dump}`, ...place, name];
  await runOrThrow(postgresProgram('pg_dump'), dumped);
  for (const tag of [4, 5]) await publish(before.url, `${registry}/web:${String(tag)}`);
  expect([await before.serial(), await before.report(5)]).toEqual([5, 204]);
  await before.stop();

  await runOrThrow(postgresProgram('dropdb'), [...place, name]);
  await runOrThrow(postgresProgram('createdb'), [...place, '--owner=hub', name]);
  await runOrThrow(postgresProgram('pg_restore'), [...place, `--dbname=${name}`, '--exit-on-error', dump]);
  const after = await startDatabaseHub(url, server.folder);
  onTestFinished(after.stop);
  expect(await after.serial()).toBe(3);
  expect(await after.report(5)).toBe(201);
  await publish(after.url, `${registry}/web:6`);
  expect(await after.serial()).toBe(6);
});
