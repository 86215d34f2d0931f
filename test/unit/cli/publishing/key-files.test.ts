import { generateKeyPairSync } from 'node:crypto';
import { chmod, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readHosts, readKey, readKeys } from '../../../../src/cli/publishing/key-files.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-files-'));
});
afterAll(async () => rm(folder, { recursive: true, force: true }));

const write = async (name: string, text: string, mode = 0o600): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  await chmod(path, mode);
  return path;
};

describe('a list of hosts', () => {
  it.each([
    ['one a line', 'web-1\nweb-2\n'],
    ['without an end', 'web-1\nweb-2'],
    ['from Windows', '\uFEFFweb-1\r\nweb-2\r\n'],
    ['with comments', '# all\n\nweb-1 # the first\n  web-2\nweb-1\n'],
    ['in JSON', ' ["web-1", "web-2", "web-1"]\n'],
  ])('is read %s', async (_what, text) => {
    expect(await readHosts(await write('hosts', text))).toEqual(['web-1', 'web-2']);
  });

  it.each([
    ['nobody', '', /names no host/],
    ['comments alone', '# nobody\n', /names no host/],
    ['an empty JSON list', '[]', /names no host/],
    ['a path', 'web-1\n../web-2\n', /"\.\.\/web-2" .*is not a valid host name/],
    ['a number', '[1]', /^1 in .*is not a valid host name/],
    ['JSON that is cut off', '["web-1",', /is not a valid host name/],
    ['a JSON object', '{"hosts":["web-1"]}', /is not a valid host name/],
  ])('is refused with %s', async (_what, text, says) => {
    await expect(readHosts(await write('hosts', text))).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(says) as string,
    });
  });

  it('that is not there is told', async () => {
    await expect(readHosts(join(folder, 'nowhere'))).rejects.toThrow(/nowhere cannot be read/);
  });
});

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const encrypted = { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' } as const;
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey;

describe('a key', () => {
  it('is read, with a warning where others may read it', async () => {
    const kept = await readKey(await write('kept.key', pem));
    expect([kept.key.equals(privateKey), kept.warning]).toEqual([true, undefined]);
    const open = await readKey(await write('open.key', pem, 0o644));
    expect(open.warning).toMatch(/others may read .*open\.key: chmod 600/);
  });

  it.each([
    ['nothing', '', /is not a private key/],
    ['the public half', publicKey.export({ type: 'spki', format: 'pem' }).toString(), /is a public key/],
    ['one of another kind', rsa.export({ type: 'pkcs8', format: 'pem' }).toString(), /key of type rsa/],
    ['one with a passphrase', privateKey.export(encrypted).toString(), /is encrypted/],
    ['one that is cut off', pem.slice(0, 60), /is not a private key/],
  ])('is refused where the file holds %s', async (_what, text, says) => {
    const error = await readKey(await write('bad.key', text)).catch((e: unknown) => e);
    expect(error).toMatchObject({ code: 'KEY', message: expect.stringMatching(says) as string });
    expect(JSON.stringify(error)).not.toContain('MC4CAQAwBQYDK2Vw');
  });

  it('that is a folder is told', async () => {
    await mkdir(join(folder, 'folder.key'));
    await expect(readKey(join(folder, 'folder.key'))).rejects.toThrow(/folder\.key cannot be read/);
  });
});

const input = async function* (...chunks: readonly string[]): AsyncGenerator<string> {
  yield* chunks;
};

describe('the keys of a publish', () => {
  const other = generateKeyPairSync('ed25519').privateKey;
  const otherPem = other.export({ type: 'pkcs8', format: 'pem' }).toString();

  it('come from files and from standard input, or else from the variable', async () => {
    const path = await write('one.key', pem);
    const read = async (paths: readonly string[], signingKey?: string): Promise<readonly boolean[]> =>
      (await readKeys(paths, signingKey, input(otherPem.slice(0, 40), otherPem.slice(40)))).map(({ key }) =>
        key.equals(other),
      );
    expect(await read([path, '-'], pem)).toEqual([false, true]);
    expect(await read([], otherPem)).toEqual([true]);
    expect(await read([])).toEqual([]);
  });

  it('are each given once', async () => {
    const path = await write('twice.key', pem);
    const twice = { code: 'KEY', message: 'one key is given twice' };
    await expect(readKeys([path, path], undefined, input())).rejects.toMatchObject(twice);
    await expect(readKeys([path, '-'], undefined, input(pem))).rejects.toMatchObject(twice);
    await expect(readKeys(['-', '-'], undefined, input(pem))).rejects.toMatchObject(twice);
  });

  it('are never part of a message', async () => {
    const cut = pem.replace('-----END PRIVATE KEY-----', '');
    const errors = await Promise.all([
      readKeys([], cut, input()).catch((e: unknown) => e),
      readKeys(['-'], undefined, input(cut)).catch((e: unknown) => e),
    ]);
    expect(errors).toMatchObject([
      { code: 'KEY', message: 'SUPERCARGO_SIGNING_KEY is not a private key in PEM form' },
      { code: 'KEY', message: 'standard input is not a private key in PEM form' },
    ]);
    const body = pem.split('\n')[1] ?? '';
    for (const error of errors) expect(`${JSON.stringify(error)} ${String(error)}`).not.toContain(body);
  });
});
