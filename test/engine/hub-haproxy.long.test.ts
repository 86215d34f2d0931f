import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { once } from 'node:events';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { IncomingMessage } from 'node:http';
import { expect, it, onTestFinished } from 'vitest';
import { repairManifests } from '../../src/hub/manifests/repair-manifests.ts';
import { createCertificate } from '../support/certificate.ts';
import { startService } from '../support/command.ts';
import { startDatabaseHub, type DatabaseHub } from '../support/database-hub.ts';
import { eventually } from '../support/poll.ts';
import { freePort } from '../support/ports.ts';
import { startPostgres } from '../support/postgres.ts';
import { runOrThrow } from '../support/postgres-programs.ts';
import { bearer, manifestText, PUBLISH } from '../unit/hub/scene.ts';

/** The configuration of docs/HUB.md, at addresses of this machine. */
const configOf = async (folder: string, port: number, hubs: readonly DatabaseHub[]): Promise<string> => {
  const document = await readFile(join(import.meta.dirname, '..', '..', 'docs', 'HUB.md'), 'utf8');
  const [, block = ''] = /```haproxy\n([^]*?)```/.exec(document) ?? [];
  return hubs
    .reduce(
      (config, hub, at) =>
        config.replace(` hub-${String(at + 1)}.example.com:8443 `, ` 127.0.0.1:${String(hub.port)} `),
      block,
    )
    .replace('bind :443 ', `bind 127.0.0.1:${String(port)} `)
    .replace('/etc/haproxy/hub.pem', join(folder, 'hub.pem'))
    .replace('/etc/haproxy/hubs-ca.crt', join(folder, 'hubs-ca.crt'))
    .replace('maxconn 50000', 'maxconn 500');
};

interface Sent {
  readonly method?: string;
  readonly headers?: Record<string, string>;
  readonly body?: string;
}
interface Answer {
  readonly status: number | undefined;
  readonly etag: string;
  readonly body: string;
}

const createClient =
  (port: number) =>
  async (path: string, { method = 'GET', headers = {}, body }: Sent = {}): Promise<Answer> => {
    const options = {
      host: '127.0.0.1',
      port,
      path,
      method,
      headers,
      rejectUnauthorized: false,
      agent: false,
    };
    const sent = request(options);
    sent.end(body);
    const [response] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: response.statusCode, etag: response.headers.etag ?? '', body: await text(response) };
  };

const start = async () => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-haproxy-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  const server = await startPostgres();
  onTestFinished(server.stop);
  const database = await server.createDatabase();
  const hubs: DatabaseHub[] = [];
  const authorities: string[] = [];
  for (const name of ['hub-1.example.com', 'hub-2.example.com']) {
    const files = await createCertificate(folder, name);
    const tls = { cert: await readFile(files.cert, 'utf8'), key: await readFile(files.key, 'utf8') };
    authorities.push(tls.cert);
    await writeFile(join(folder, 'hub.pem'), `${tls.cert}${tls.key}`, { mode: 0o600 });
    hubs.push(await startDatabaseHub(database.url, folder, tls));
  }
  await writeFile(join(folder, 'hubs-ca.crt'), authorities.join(''));
  const port = await freePort();
  const file = join(folder, 'haproxy.cfg');
  await writeFile(file, await configOf(folder, port, hubs));
  await runOrThrow('haproxy', ['-c', '-f', file]);
  const haproxy = startService('haproxy', ['-db', '-f', file], { logFile: join(folder, 'log') });
  const stopped = new Set<DatabaseHub>();
  const stopHub = async (hub: DatabaseHub): Promise<void> => {
    if (!stopped.has(hub)) await hub.stop();
    stopped.add(hub);
  };
  onTestFinished(async () => {
    await haproxy.kill();
    await Promise.all(hubs.map(stopHub));
  });
  const ask = createClient(port);
  await eventually(async () => (await ask('/healthz')).status === 200, {
    describe: async () => `HAProxy answers: ${await readFile(join(folder, 'log'), 'utf8')}`,
  });
  const publish = async (serial: number, tag?: string): Promise<Answer> =>
    ask('/manifests/staging.json', {
      method: 'PUT',
      headers: { ...bearer(PUBLISH), ...(tag !== undefined && { 'if-match': tag }) },
      body: manifestText('staging', serial),
    });
  return { hubs, stopHub, ask, publish, query: database.query };
};

it('the configuration of docs/HUB.md serves hosts and publishers from two hubs, and from one when the other dies', async () => {
  const { hubs, stopHub, ask, publish } = await start();
  expect((await publish(1)).status).toBe(201);
  for (let serial = 2; serial <= 6; serial += 1) {
    const current = await ask('/manifests/staging.json');
    expect(current.body).toBe(manifestText('staging', serial - 1));
    const held = ask('/manifests/staging.json', {
      headers: { 'if-none-match': current.etag, prefer: 'wait=60' },
    });
    expect((await publish(serial, current.etag)).status).toBe(204);
    expect((await held).body).toBe(manifestText('staging', serial));
  }

  const [first] = hubs;
  if (first) await stopHub(first);
  for (let serial = 7; serial <= 9; serial += 1) expect((await publish(serial)).status).toBe(204);
  expect((await ask('/manifests/staging.json')).body).toBe(manifestText('staging', 9));
});

it('a repair while hubs run reaches the polls that they hold', async () => {
  const { hubs, ask, publish, query } = await start();
  for (const serial of [1, 2]) await publish(serial);
  const bad = '{';
  await query(`update supercargo.manifests set document = '${bad}', mark = gen_random_uuid(), revision = 3`);
  await eventually(async () => (await ask('/manifests/staging.json')).body === bad, {
    describe: () => 'a hub serves what is stored',
  });
  const { etag } = await ask('/manifests/staging.json');
  const held = ask('/manifests/staging.json', { headers: { 'if-none-match': etag, prefer: 'wait=60' } });
  const [first] = hubs;
  if (!first) throw new Error('there is no hub');
  const options = { environment: 'staging', trust: undefined, nowMs: Date.now(), isDryRun: false };
  const { serial } = await repairManifests({ ...options, manifests: first.store.repair });
  expect(serial).toBe(2);
  expect((await held).body).toBe(manifestText('staging', 2));
  expect((await publish(3)).status).toBe(204);
});
