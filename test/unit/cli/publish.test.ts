import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runProgram } from '../../../src/cli/program.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { hostStatus } from '../../support/status.ts';

const sha = (text: string): string => `sha256:${createHash('sha256').update(text).digest('hex')}`;
const image = JSON.stringify({ config: { digest: sha('config') }, layers: [] });
const index = JSON.stringify({
  manifests: ['amd64', 'arm64'].map((architecture) => ({
    digest: sha(architecture === 'amd64' ? image : 'gone'),
    platform: { os: 'linux', architecture },
  })),
});

let folder: string;
let registry: Server;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-publish-'));
  registry = createServer((request, response) => {
    const name = request.url?.split('/').at(-1);
    const body = name === '1.0.0' ? index : name === sha(image) ? image : undefined;
    response.writeHead(body === undefined ? 404 : 200).end(body);
  }).listen(0, '127.0.0.1');
  await once(registry, 'listening');
});
afterAll(async () => {
  registry.closeAllConnections();
  registry.close();
  await rm(folder, { recursive: true });
});

const publish = async (...options: readonly string[]) => {
  const repository = `127.0.0.1:${String((registry.address() as AddressInfo).port)}/org/web`;
  const [stdout, stderr] = [new PassThrough(), new PassThrough()];
  const io = { stdin: new PassThrough(), stdout, stderr, env: { HOME: folder }, pid: 1 } as unknown as Io;
  const argv = ['publish', 'staging', `web=${repository}:1.0.0`, '--to', folder, '--insecure-unsigned'];
  const { signal } = new AbortController();
  const code = await runProgram([...argv, '--json', ...options], io, () => Promise.resolve(io), signal);
  return { code, document: JSON.parse(String(stdout.read())) as unknown, err: String(stderr.read()) };
};

describe('an image whose registry lost one of its platforms', () => {
  const says = new RegExp(
    `org/web:1.0.0 has no image for linux/arm64: its index names ${sha('gone')}, which`,
  );

  it('is published for the others, with a warning that names what is missing', async () => {
    const { code, document, err } = await publish('--dry-run');
    expect(code).toBe(0);
    expect(document).toMatchObject({ serial: 1, warnings: [expect.stringMatching(says)] });
    expect(err).toMatch(/^warning: web: .*org\/web:1\.0\.0 has no image for linux\/arm64.*; push it/);
  });

  it('is an error where that platform is demanded, and only there', async () => {
    const demanded = await publish('--dry-run', '--platform', 'linux/amd64', '--platform', 'linux/arm64');
    expect(demanded).toMatchObject({
      code: 1,
      document: { error: { code: 'IMAGE_NOT_FOUND', message: expect.stringMatching(says) as string } },
    });
    expect((await publish('--dry-run', '--platform', 'linux/amd64')).code).toBe(0);
  });
});

describe('--wait-where', () => {
  beforeAll(async () => {
    await mkdir(join(folder, 'reports', 'staging'), { recursive: true });
    const status = hostStatus({ labels: { zone: 'a' }, at: new Date().toISOString() });
    await writeFile(join(folder, 'reports', 'staging', 'web-1.json'), JSON.stringify(status));
  });

  it('is refused before anything is written where it names no host', async () => {
    expect(await publish('--wait', '--wait-where', 'zone=b')).toMatchObject({
      code: 1,
      document: { error: { code: 'USAGE', advice: 'name labels that hosts report: zone=a (1)' } },
    });
    expect(await publish('--wait', '--wait-where', 'zone')).toMatchObject({
      document: { error: { code: 'USAGE' } },
    });
    expect(await publish('--wait-where', 'zone=a')).toMatchObject({
      document: {
        error: { message: expect.stringContaining('--wait-where') as string, advice: 'add --wait' },
      },
    });
    await expect(access(join(folder, 'manifests'))).rejects.toThrow('ENOENT');
  });

  it('is in the outcome', async () => {
    const options = ['--create', '--wait', '--timeout', '1s', '--wait-where', 'zone=a'];
    expect(await publish(...options)).toMatchObject({
      code: 5,
      document: {
        serial: expect.any(Number) as number,
        wait: { where: { zone: 'a' }, outcome: 'timed-out', hosts: [{ host: 'web-1' }] },
      },
    });
  });
});
