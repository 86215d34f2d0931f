import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand, startService, type Service } from '../../support/command.ts';
import { eventually } from '../../support/poll.ts';
import { freePort } from '../../support/ports.ts';
import { sharedDatabase } from '../../support/shared-postgres.ts';
import { bearer, manifestText, PUBLISH, SECRET } from '../hub/scene.ts';

const main = join(import.meta.dirname, '..', '..', '..', 'src', 'main.ts');

let folder = '';
const services: Service[] = [];
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-cli-store-'));
});
afterEach(async () => {
  await Promise.all(services.splice(0).map((service) => service.kill()));
  await rm(folder, { recursive: true, force: true });
});

const env = (more: Record<string, string> = {}): Record<string, string> => ({
  PATH: process.env['PATH'] ?? '',
  HOME: folder,
  SUPERCARGO_PUBLISH_TOKEN: PUBLISH,
  SUPERCARGO_REPORT_SECRET: SECRET,
  ...more,
});

const run = (args: readonly string[], more: Record<string, string> = {}) =>
  runCommand(process.execPath, [main, 'hub', ...args], { env: env(more) });

/** Hubs share the folder of archives. */
const start = (name: string, args: readonly string[], more: Record<string, string> = {}) => {
  const logFile = join(folder, `${name}.log`);
  const words = [main, 'hub', '--data', join(folder, 'data'), ...args];
  const service = startService(process.execPath, words, { env: env(more), logFile });
  services.push(service);
  const logged = async (): Promise<string> => readFile(logFile, 'utf8');
  const untilStarted = () =>
    eventually(async () => /"url":"([^"]+)".*"event":"hub.started"/.exec(await logged())?.[1], {
      describe: logged,
    });
  return { service, logged, untilStarted };
};

const put = (url: string, path: string, body: string): Promise<Response> =>
  fetch(`${url}${path}`, { method: 'PUT', body, headers: bearer(PUBLISH) });

describe('supercargo hub --store', { timeout: 60_000 }, () => {
  it('serves what another hub on the same database has published, and wakes its polls', async () => {
    const { url: store } = await sharedDatabase();
    const addressFile = join(folder, 'store');
    await writeFile(addressFile, `${store}\n`, { mode: 0o600 });
    const listen = ['--listen', '127.0.0.1:0'];
    const one = start('one', [...listen, '--store', store]);
    const other = start('other', listen, { SUPERCARGO_HUB_STORE_FILE: addressFile });
    const [url, otherUrl] = [await one.untilStarted(), await other.untilStarted()];
    expect((await put(url, '/manifests/staging.json', manifestText('staging', 1))).status).toBe(201);
    const first = await fetch(`${otherUrl}/manifests/staging.json`);
    expect(await first.json()).toMatchObject({ serial: 1 });
    const headers = { 'if-none-match': first.headers.get('etag') ?? '', prefer: 'wait=60' };
    const poll = fetch(`${otherUrl}/manifests/staging.json`, { headers });
    await eventually(
      async () => (await (await fetch(`${otherUrl}/metrics`)).text()).includes('supercargo_hub_held_polls 1'),
      { describe: () => 'the poll is held' },
    );
    expect((await put(url, '/manifests/staging.json', manifestText('staging', 2))).status).toBe(204);
    expect(await (await poll).json()).toMatchObject({ serial: 2 });
    expect((await fetch(`${url}/readyz`)).status).toBe(200);
    expect(await readdir(join(folder, 'data'))).toEqual(['.hub']);
    expect([await one.service.stop(), await other.service.stop()]).toEqual([0, 0]);
    expect(await one.logged()).toContain('"event":"hub.stopped"');
  });

  it('answers 503 until its database is there, and ends in order while it waits', async () => {
    const [port, listenPort] = [await freePort(), await freePort()];
    const store = `postgres://hub@127.0.0.1:${String(port)}/supercargo`;
    const { service, logged } = start('one', [
      '--listen',
      `127.0.0.1:${String(listenPort)}`,
      '--store',
      store,
    ]);
    const url = `http://127.0.0.1:${String(listenPort)}`;
    await eventually(async () => (await logged()).includes('waits for its store'), { describe: logged });
    expect((await fetch(`${url}/healthz`)).status).toBe(200);
    const refused = await fetch(`${url}/manifests/staging.json`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await refused.json()).toMatchObject({ error: { code: 'store' } });
    expect((await fetch(`${url}/readyz`)).status).toBe(503);
    expect(await service.stop()).toBe(0);
    expect(await logged()).not.toContain('hub.started');
  });

  it.each([
    [
      'a password in the list of processes',
      ['--store', 'postgres://hub:s3cret-word@db1/supercargo'],
      /visible to/,
    ],
    ['an address of another kind', ['--store', 'mysql://hub@db1/supercargo'], /does not begin with postgres/],
  ])('refuses %s', async (_what, args, message) => {
    const { code, stderr } = await run(['--data', join(folder, 'data'), ...args]);
    expect(code).toBe(1);
    expect(stderr).toMatch(message);
    expect(stderr).not.toContain('s3cret');
  });
});

describe('supercargo hub schema', { timeout: 60_000 }, () => {
  it('makes the tables once', async () => {
    const { url, query } = await sharedDatabase();
    const first = await run(['schema', '--store', url, '--role', 'hub']);
    expect([first.code, first.stdout]).toEqual([
      0,
      `the tables in ${url} now have version 2\nthe role hub may read and write their rows\n`,
    ]);
    const second = await run(['schema'], { SUPERCARGO_HUB_STORE: url });
    expect(second.stdout).toBe(`the tables in ${url} are as this version needs them\n`);
    expect(await query('select version, least_version from supercargo.migrations')).toEqual(['1|1', '2|1']);
  });

  it('prints SQL that makes them', async () => {
    const { query } = await sharedDatabase();
    const { stdout } = await run(['schema', '--role', 'hub', '--print']);
    await query(stdout);
    expect(await query('select version from supercargo.migrations')).toEqual(['1', '2']);
  });
});
