import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { PassThrough } from 'node:stream';
import { text } from 'node:stream/consumers';
import { describe, expect, it, onTestFinished } from 'vitest';
import { run as runDoctor } from '../../../src/cli/commands/doctor.ts';
import { run } from '../../../src/cli/commands/validate.ts';
import type { Io } from '../../../src/cli/streams.ts';
import { startFakeEngine, VERSION_ANSWER } from '../../support/fake-engine.ts';

const COMPOSE = `services:
  web:
    image: org/web
    volumes: [{type: volume, source: data, target: /data, volume: {subpath: web}}]
volumes: {data: }
`;

const NEED = 'services.web.volumes: volume.subpath needs Docker 26.0 or newer, and this engine is 20.10.24';

const INFO = { ID: 'engine', ServerVersion: '20.10.24', OSType: 'linux', Architecture: 'x86_64' };

const fileOf = async (content: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'validate-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const file = join(folder, 'compose.yaml');
  await writeFile(file, content);
  return file;
};

const oldEngine = async (): Promise<string> => {
  const { socketPath } = await startFakeEngine(({ url }) =>
    url.endsWith('/version') ? JSON.stringify(VERSION_ANSWER) : JSON.stringify(INFO),
  );
  return `unix://${socketPath}`;
};

const validate = async (options: object, env: Record<string, string>) => {
  const stdout = new PassThrough();
  const io = { stdout, stderr: new PassThrough(), env } as unknown as Io;
  const code = await run({ io, signal: new AbortController().signal }, { ...options, json: true });
  stdout.end();
  const { findings } = JSON.parse(await text(stdout)) as { findings: { kind: string; message: string }[] };
  return { code, findings: findings.map(({ kind, message }) => `${kind} ${message}`) };
};

const hostEnv = (file: string, engine: string): Record<string, string> => ({
  SUPERCARGO_ENVIRONMENT: 'test',
  SUPERCARGO_COMPOSE: file,
  SUPERCARGO_MANIFEST_URL: 'file:///nonexistent/manifest.json',
  SUPERCARGO_ALLOW_UNSIGNED: 'true',
  DOCKER_HOST: engine,
});

describe('validate, asking the engine,', () => {
  it("refuses this host's file where its engine is too old for it", async () => {
    const file = await fileOf(COMPOSE);
    expect(await validate({}, hostEnv(file, await oldEngine()))).toEqual({
      code: 1,
      findings: [
        'ok 1 service: web',
        `error ${file}:4: ${NEED}\n    → upgrade the engine, or mount the whole volume`,
      ],
    });
  });

  it('only hints at it for a file of another host', async () => {
    const file = await fileOf(COMPOSE);
    const { code, findings } = await validate({ compose: file }, hostEnv(file, await oldEngine()));
    expect([code, findings[1]]).toEqual([0, expect.stringContaining(`hint ${file}:4: ${NEED}`)]);
  });

  it('needs no engine', async () => {
    const file = await fileOf(COMPOSE);
    expect(await validate({}, hostEnv(file, 'unix:///nonexistent/docker.sock'))).toEqual({
      code: 0,
      findings: ['ok 1 service: web'],
    });
  });
});

describe('doctor', () => {
  it('names what its engine is too old for', async () => {
    const file = await fileOf(COMPOSE);
    const stdout = new PassThrough();
    const env = { ...hostEnv(file, await oldEngine()), SUPERCARGO_STATE_DIR: dirname(file) };
    const io = { stdout, stderr: new PassThrough(), env } as unknown as Io;
    await runDoctor({ io, signal: new AbortController().signal }, { json: true });
    stdout.end();
    const { checks } = JSON.parse(await text(stdout)) as { checks: { name: string; message: string }[] };
    expect(checks).toContainEqual({
      name: 'compose',
      result: 'problem',
      message: `${file}:4: ${NEED}`,
      advice: 'upgrade the engine, or mount the whole volume',
    });
  });
});
