import { createPrivateKey } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest';
import { createHttpArchives } from '../../../src/adapters/document-store/http-archives.ts';
import { createHttpStore } from '../../../src/adapters/document-store/http-store.ts';
import { askAgent } from '../../../src/adapters/status-socket/ask-agent.ts';
import { ARCHIVE_FOLDER, archivePath } from '../../../src/core/fleet/store-layout.ts';
import { headerOfToken } from '../../../src/core/hub/tokens.ts';
import { seal } from '../../../src/core/manifest/seal.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { sharedDocker } from '../../support/context.ts';
import { createPublisher, type Publisher } from '../../support/fleet.ts';
import { flavours } from '../../support/flavours.ts';
import { createTestHost, type TestHost } from '../../support/host.ts';
import { createImagePusher, type PushedImage } from '../../support/images.ts';
import { eventually } from '../../support/poll.ts';
import { startWebServer, type WebServer } from '../../support/web-server.ts';
import { assertCode, runningIn } from './scene.ts';

const never = new AbortController().signal;
const ENVIRONMENT = 'webserver';
const HOST = 'web-1';
const PATH = `manifests/${ENVIRONMENT}.json`;

let server: WebServer;
let publisher: Publisher;
let host: TestHost;
let images: Readonly<Record<'1.0.0' | '1.1.0' | '1.2.0', PushedImage>>;

beforeAll(async () => {
  server = await startWebServer();
  publisher = await createPublisher(server);
  host = await createTestHost({
    dockerHost: inject('dockerHost'),
    docker: sharedDocker(),
    environment: ENVIRONMENT,
    env: {
      SUPERCARGO_HOST: HOST,
      SUPERCARGO_ALLOW_UNSIGNED: 'false',
      SUPERCARGO_MANIFEST_URL: `${server.url}/${PATH}`,
      SUPERCARGO_REPORT_URL: server.url,
      SUPERCARGO_REPORT_TOKEN: server.reportToken,
      // Once a year: it looks when it is told to.
      SUPERCARGO_POLL: '0 0 0 1 1 *',
    },
  });
  await writeFile(host.trustFile, publisher.trust);
  const { push } = createImagePusher();
  const pushed = async (tag: string): Promise<PushedImage> =>
    push(inject('registry'), `${ENVIRONMENT}/web`, tag, flavours.healthy);
  images = { '1.0.0': await pushed('1.0.0'), '1.1.0': await pushed('1.1.0'), '1.2.0': await pushed('1.2.0') };
  await host.compose(`services: {web: {image: "${images['1.0.0'].repository}", restart: unless-stopped}}\n`);
});
afterAll(async () => {
  await host.cleanup();
  await publisher.remove();
  await server.remove();
});

const get = async (path: string): Promise<Response> => fetch(`${server.url}/${path}`);

/** Tells the agent to look at once, and waits until it has this serial. */
const untilAccepted = async (serial: number): Promise<void> => {
  await askAgent(host.socket, 'POST', '/sync', undefined);
  const serialNow = async (): Promise<number | null> =>
    ((await askAgent(host.socket, 'GET', '/status', undefined)) as Status).manifest.serial;
  await eventually(async () => (await serialNow()) === serial, {
    everyMs: 10,
    deadlineMs: 10_000,
    describe: async () => `serial ${String(serial)} is accepted; it is at ${String(await serialNow())}`,
  });
};

/** As a publisher does, and as quick as can be. */
const put = async (serial: number, version: keyof typeof images): Promise<string> => {
  const key = createPrivateKey(await readFile(publisher.keyFile));
  const payload = JSON.stringify({
    apiVersion: 'supercargo/v1',
    environment: ENVIRONMENT,
    serial,
    issuedAt: new Date().toISOString(),
    services: { web: { image: images[version].pinned } },
  });
  const body = JSON.stringify(seal(Buffer.from(payload), [key]));
  const headers = { authorization: headerOfToken(server.publishToken) };
  const answer = await fetch(`${server.url}/${PATH}`, { method: 'PUT', body, headers });
  expect(answer.ok).toBe(true);
  return (await get(PATH)).headers.get('etag') ?? '';
};

describe('nginx as a store', () => {
  it('is found to ignore conditions, and nothing is written without --single-writer', async () => {
    const refused = await publisher.publish(ENVIRONMENT, `web=${images['1.0.0'].ref}`);
    assertCode(refused, 1);
    expect(refused.stderr).toMatch(/ignores If-Match[\s\S]*→ .*--single-writer/);
    expect((await get(PATH)).status).toBe(404);
    expect(await (await get(`manifests/${ENVIRONMENT}/`)).json()).toEqual([]);
  });

  it('lets nobody publish without the password', async () => {
    const stranger = { SUPERCARGO_PUBLISH_TOKEN: 'jenkins:a-wrong-password-for-this' };
    const words = ['publish', ENVIRONMENT, `web=${images['1.0.0'].ref}`, '--key', publisher.keyFile];
    const refused = await publisher.run([...words, '--single-writer'], stranger);
    assertCode(refused, 1);
    expect(refused.stderr).toMatch(/401[\s\S]*→ .*SUPERCARGO_PUBLISH_TOKEN/);
    expect(refused.stderr).not.toContain('a-wrong-password');
  });

  it('publishes to hosts that answer back there, with history, rollback and fleet', async () => {
    await host.agent();
    const words = ['--single-writer', '--wait', '--timeout', '60s', '--hosts', `${publisher.folder}/hosts`];
    await writeFile(`${publisher.folder}/hosts`, `${HOST}\n`);
    const publishing = publisher.publish(ENVIRONMENT, `web=${images['1.0.0'].ref}`, ...words);
    await eventually(async () => (await get(PATH)).ok, { describe: () => 'it is published' });
    await untilAccepted(1);
    assertCode(await publishing, 0);
    assertCode(await publisher.publish(ENVIRONMENT, 'web=1.1.0', '--single-writer'), 0);
    await untilAccepted(2);
    const back = ['rollback', ENVIRONMENT, '--single-writer', '--key', publisher.keyFile];
    assertCode(await publisher.run(back), 0);
    await untilAccepted(3);
    await eventually(async () => (await runningIn(host)).join() === 'web 1.0.0 running', {
      describe: async () => (await runningIn(host)).join(),
    });
    const fleet = async () => publisher.run(['fleet', ENVIRONMENT]);
    await eventually(async () => (await fleet()).code === 0, {
      describe: async () => (await fleet()).stdout,
    });
    expect((await fleet()).stdout).toMatch(new RegExp(`serial 3[\\s\\S]*${HOST} .*1\\.0\\.0.*converged`));
  });

  it('shows a host the second of two publishes of equal size in one second, though their ETags are equal', async () => {
    let serial = 10;
    const publishTwice = async (): Promise<boolean> => {
      serial += 2;
      // From the beginning of a second on.
      await eventually(() => Date.now() % 1000 < 100, { everyMs: 5, describe: () => 'a second begins' });
      const first = await put(serial, '1.1.0');
      await untilAccepted(serial);
      return (await put(serial + 1, '1.2.0')) === first;
    };
    await eventually(publishTwice, { describe: () => 'both publishes are within one second' });
    await untilAccepted(serial + 1);
    assertCode(await host.run(['sync', '--wait']), 0);
    expect(await runningIn(host)).toEqual(['web 1.2.0 running']);
  });

  it('keeps archives, says how large they are and since when, lists them, and removes them', async () => {
    const authorization = headerOfToken(server.publishToken);
    const options = { base: new URL(server.url), authorization, tls: {} };
    const [store, documents] = [createHttpArchives(options), createHttpStore(options)];
    const file = join(host.folder, 'archive');
    // More than nginx takes of a document.
    const content = Buffer.alloc(3 * 1024 ** 2, 'archive ');
    await writeFile(file, content);
    const path = archivePath(`sha256:${'a'.repeat(64)}`);
    expect(await store.find(path, never)).toBeUndefined();
    await store.put(path, file, never);
    expect(await store.find(path, never)).toMatchObject({ bytes: content.length });
    expect((await store.find(path, never))?.modifiedAtMs).toBeGreaterThan(0);
    expect(await documents.list(ARCHIVE_FOLDER, never)).toEqual([`${'a'.repeat(64)}.tar`]);
    await store.remove(path, never);
    expect(await store.find(path, never)).toBeUndefined();
  });
});
