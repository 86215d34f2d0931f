import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createRegistryCredentials } from '../../../../src/adapters/registry-credentials/registry-credentials.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import { parseImage } from '../../../../src/core/image/reference.ts';
import type { RegistryAuth } from '../../../../src/core/ports/registry-credentials.ts';

const HUB = 'https://index.docker.io/v1/';
const base64 = (text: string): string => Buffer.from(text).toString('base64');
const never = new AbortController().signal;

const failure = async (attempt: Promise<unknown>): Promise<AgentError> => {
  const error: unknown = await attempt.then(
    () => undefined,
    (thrown: unknown) => thrown,
  );
  if (error instanceof AgentError) return error;
  throw new Error('no AgentError was thrown', { cause: error });
};

describe('registry credentials', () => {
  const place = { folder: '', bin: '' };

  beforeEach(async () => {
    place.folder = await mkdtemp(join(tmpdir(), 'credentials-'));
    place.bin = join(place.folder, 'bin');
    await mkdir(place.bin);
  });

  afterEach(async () => {
    await rm(place.folder, { recursive: true, force: true });
  });

  const write = (content: unknown): Promise<void> =>
    writeFile(
      join(place.folder, 'config.json'),
      typeof content === 'string' ? content : JSON.stringify(content),
    );

  const program = async (name: string, script: string): Promise<void> => {
    const file = join(place.bin, `docker-credential-${name}`);
    await writeFile(file, `#!/bin/sh\n${script}\n`);
    await chmod(file, 0o755);
  };

  const lookUp = (
    image: string,
    signal: AbortSignal = never,
    timeoutMs = 10_000,
  ): Promise<RegistryAuth | undefined> => {
    const credentials = createRegistryCredentials({
      dockerConfigDir: place.folder,
      path: `${place.bin}:/usr/bin:/bin`,
      home: join(place.folder, 'home'),
      timeoutMs,
    });
    return credentials.for(parseImage(image).repository, signal);
  };

  const REGISTRY = 'registry.example.com:5000';
  const IMAGE = `${REGISTRY}/org/web`;
  const LOGIN: RegistryAuth = { username: 'ci', password: 'a:b', serveraddress: REGISTRY };

  it.each<[string, unknown, string, RegistryAuth | undefined]>([
    ['auth', { auths: { [REGISTRY]: { auth: base64('ci:a:b') } } }, IMAGE, LOGIN],
    ['user name and password', { auths: { [REGISTRY]: { username: 'ci', password: 'a:b' } } }, IMAGE, LOGIN],
    [
      'a key with scheme and path',
      { auths: { [`https://${REGISTRY}/v2/`]: { auth: base64('ci:a:b') } } },
      IMAGE,
      LOGIN,
    ],
    [
      'a key in other case',
      { auths: { 'HTTPS://Registry.Example.com:5000': { auth: base64('ci:a:b') } } },
      IMAGE,
      LOGIN,
    ],
    [
      'the exact key before a similar one',
      {
        auths: { [`http://${REGISTRY}`]: { auth: base64('x:y') }, [REGISTRY]: { auth: base64('ci:a:b') } },
      },
      IMAGE,
      LOGIN,
    ],
    ['a zero-padded password', { auths: { [REGISTRY]: { auth: base64('ci:a:b\0\0') } } }, IMAGE, LOGIN],
    [
      'Docker Hub',
      { auths: { [HUB]: { auth: base64('u:p') } } },
      'nginx',
      { username: 'u', password: 'p', serveraddress: HUB },
    ],
    [
      'Docker Hub by its short name',
      { auths: { 'docker.io': { auth: base64('u:p') } } },
      'nginx',
      { username: 'u', password: 'p', serveraddress: HUB },
    ],
    [
      'an identity token before a password',
      { auths: { [REGISTRY]: { auth: base64('0:'), identitytoken: 'tok' } } },
      IMAGE,
      {
        identitytoken: 'tok',
        serveraddress: REGISTRY,
      },
    ],
    [
      'a registry token',
      { auths: { [REGISTRY]: { registrytoken: 'tok' } } },
      IMAGE,
      { registrytoken: 'tok', serveraddress: REGISTRY },
    ],
    ['another port', { auths: { 'registry.example.com': { auth: base64('ci:a:b') } } }, IMAGE, undefined],
    ['an empty entry', { auths: { [REGISTRY]: {} } }, IMAGE, undefined],
    ['nulls, as Go writes them', { auths: null, credHelpers: null }, IMAGE, undefined],
    ['members of others', { HttpHeaders: { a: 1 }, auths: {} }, IMAGE, undefined],
  ])('reads %s', async (_, config, image, expected) => {
    await write(config);
    expect(await lookUp(image)).toEqual(expected);
  });

  it('knows nothing where there is no file', async () => {
    expect(await lookUp(IMAGE)).toBeUndefined();
  });

  it('reads the file again for each call', async () => {
    const credentials = createRegistryCredentials({ dockerConfigDir: place.folder, path: '/bin', home: '/' });
    const { repository } = parseImage(IMAGE);
    await write({ auths: { [REGISTRY]: { auth: base64('ci:old') } } });
    const first = await credentials.for(repository, never);
    await write({ auths: { [REGISTRY]: { auth: base64('ci:new') } } });
    expect([first, await credentials.for(repository, never)]).toMatchObject([
      { password: 'old' },
      { password: 'new' },
    ]);
  });

  it.each([
    ['no JSON', '{"auths": {"r": {"auth": "s3cret"', 'is not JSON'],
    ['a wrong type', { auths: { r: { auth: ['s3cret'] } } }, 'has a wrong value at auths.r.auth'],
    [
      'an auth that is not base64',
      { auths: { [REGISTRY]: { auth: 's3cret!' } } },
      `has an "auth" for ${REGISTRY}`,
    ],
    [
      'an auth without colon',
      { auths: { [REGISTRY]: { auth: base64('s3cret') } } },
      `has an "auth" for ${REGISTRY}`,
    ],
  ])('names the file that holds %s, and no secret', async (_, config, expected) => {
    await write(config);
    const error = await failure(lookUp(IMAGE));
    expect(error).toMatchObject({ code: 'CREDENTIALS', fields: { file: join(place.folder, 'config.json') } });
    expect(error.cause).toBeUndefined();
    expect(error.message).toContain(`${join(place.folder, 'config.json')} ${expected}`);
    expect(`${error.message}${error.advice}`).not.toContain('s3cret');
    expect(`${error.message}${error.advice}`).not.toContain(base64('s3cret'));
  });

  it('asks a program with the key on stdin, and gives it PATH, HOME and DOCKER_CONFIG', async () => {
    await write({ credsStore: 'store', auths: { [REGISTRY]: {} } });
    const seen = join(place.folder, 'seen');
    await program(
      'store',
      `{ echo "$1"; cat; echo; echo "$HOME"; echo "$DOCKER_CONFIG"; } > ${seen}; echo '{"ServerURL":"x","Username":"ci","Secret":"a:b"}'`,
    );
    expect(await lookUp(IMAGE)).toEqual(LOGIN);
    expect(await readFile(seen, 'utf8')).toBe(
      `get\n${REGISTRY}\n${join(place.folder, 'home')}\n${place.folder}\n`,
    );
  });

  it.each<[string, unknown, string, RegistryAuth | undefined]>([
    [
      'the program of the registry before the one for all',
      { credsStore: 'all', credHelpers: { [REGISTRY]: 'one' } },
      IMAGE,
      {
        username: 'one',
        password: 'p',
        serveraddress: REGISTRY,
      },
    ],
    [
      'the program for all for other registries',
      { credsStore: 'all', credHelpers: { [REGISTRY]: 'one' } },
      'nginx',
      {
        username: 'all',
        password: 'p',
        serveraddress: HUB,
      },
    ],
    [
      'the file for a registry whose program is empty',
      {
        credsStore: 'all',
        credHelpers: { [REGISTRY]: '' },
        auths: { [REGISTRY]: { auth: base64('ci:a:b') } },
      },
      IMAGE,
      LOGIN,
    ],
    [
      'the program, not the file, as docker does',
      {
        credsStore: 'none',
        auths: { [REGISTRY]: { auth: base64('ci:a:b') } },
      },
      IMAGE,
      undefined,
    ],
    [
      '<token> as an identity token',
      { credsStore: 'token' },
      IMAGE,
      { identitytoken: 'tok', serveraddress: REGISTRY },
    ],
  ])('takes %s', async (_, config, image, expected) => {
    await write(config);
    await program('one', `echo '{"Username":"one","Secret":"p"}'`);
    await program('all', `echo '{"Username":"all","Secret":"p"}'`);
    await program('token', `echo '{"Username":"<token>","Secret":"tok"}'`);
    await program('none', 'echo "credentials not found in native keychain"; exit 1');
    expect(await lookUp(image)).toEqual(expected);
  });

  it.each([
    ['fails', 'echo s3cret; echo s3cret >&2; exit 3', 'ended with code 3', 'later'],
    ['prints something else', 'echo s3cret', 'gave an answer that is not', 'changed'],
    ['never stops printing', 'exec yes s3cret', 'printed more than 1 MiB', 'changed'],
    ['prints other JSON', `echo '{"Token":"s3cret"}'`, 'gave an answer that is not', 'changed'],
  ])('tells when the program %s, without repeating what it printed', async (_, script, expected, retry) => {
    await write({ credsStore: 'bad' });
    await program('bad', script);
    const error = await failure(lookUp(IMAGE));
    expect(error).toMatchObject({ code: 'CREDENTIALS', retry });
    expect(error.message).toContain(`docker-credential-bad ${expected}`);
    expect(error.advice).toBe(`as the user of the agent, try: echo ${REGISTRY} | docker-credential-bad get`);
    expect(`${error.message}${JSON.stringify(error.fields)}`).not.toContain('s3cret');
  });

  it('tells that a program is missing, and where it was looked for', async () => {
    await write({ credHelpers: { [REGISTRY]: 'absent' } });
    const error = await failure(lookUp(IMAGE));
    expect(error).toMatchObject({
      code: 'CREDENTIALS',
      message: 'cannot start docker-credential-absent: ENOENT',
    });
    expect(error.advice).toContain(`PATH (${place.bin}:/usr/bin:/bin)`);
  });

  it('starts no program outside of PATH', async () => {
    await write({ credsStore: '../../x' });
    expect((await failure(lookUp(IMAGE))).message).toContain('has an invalid name');
  });

  it('gives up on a program that hangs, with all that it started', async () => {
    await write({ credsStore: 'slow' });
    const pidFile = join(place.folder, 'pid');
    await program('slow', `sleep 60 & echo $! > ${pidFile}; wait`);
    const error = await failure(lookUp(IMAGE, never, 500));
    expect(error).toMatchObject({ code: 'CREDENTIALS', retry: 'later' });
    expect(error.message).toContain('gave no answer within 0.5 s');
    const pid = Number(await readFile(pidFile, 'utf8'));
    const state = async (): Promise<string> =>
      (await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => ') gone')).split(') ')[1] ?? '';
    await expect.poll(state, { timeout: 5000 }).toMatch(/^(Z|gone)/);
  });

  it('ends with the reason of the signal when it is aborted', async () => {
    await write({ credsStore: 'slow' });
    await program('slow', 'sleep 60');
    const reason = new Error('stopping');
    const controller = new AbortController();
    const attempt = lookUp(IMAGE, controller.signal);
    setImmediate(() => controller.abort(reason));
    await expect(attempt).rejects.toBe(reason);
  });
});
