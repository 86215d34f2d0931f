import { createHash } from 'node:crypto';

import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runCommand } from '../../../support/command.ts';
import { composeFilesFor } from '../../../../src/adapters/compose/project-files.ts';
import { createComposeReader, readCompose } from '../../../../src/adapters/compose/compose-reader.ts';

const place = { folder: '' };

beforeEach(async () => {
  place.folder = await mkdtemp(join(tmpdir(), 'compose-'));
});
afterEach(async () => {
  await rm(place.folder, { recursive: true });
});

const put = async (files: Record<string, string | Buffer>): Promise<void> => {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(place.folder, name)), { recursive: true });
    await writeFile(join(place.folder, name), content);
  }
};
const names = (paths: readonly string[]): readonly string[] =>
  paths.map((path) => path.slice(place.folder.length + 1));

/** Errors as `FILE: MESSAGE`, with file names below the folder. */
const errorsIn = async (name: string): Promise<readonly string[]> => {
  const result = await readCompose(join(place.folder, name));
  return result.kind === 'ok'
    ? []
    : result.errors.map((error) => `${error.file.slice(place.folder.length + 1)}: ${error.message}`);
};

const PROJECT = {
  'compose.yaml': 'services: {a: {image: x}}',
  'compose.d/2.yml': 'services: {b: {image: x}}',
  'compose.d/1.yaml': 'services: {c: {image: x}}',
  'compose.d/.3.yaml.swp': '?',
  'compose.d/.4.yaml': '[',
  'compose.d/readme.txt': '?',
};

describe('which files belong together', () => {
  it.each(['', 'compose.d', 'compose.d/1.yaml', 'compose.d/2.yml'])(
    'is the whole project for "%s"',
    async (name) => {
      await put(PROJECT);
      const { folder, files, problems } = await composeFilesFor(join(place.folder, name));
      expect([folder, names(files), problems]).toEqual([
        place.folder,
        ['compose.yaml', 'compose.d/1.yaml', 'compose.d/2.yml'],
        [],
      ]);
    },
  );

  it('is one file for any other file', async () => {
    await put({ 'stack.yaml': '' });
    const { folder, files } = await composeFilesFor(join(place.folder, 'stack.yaml'));
    expect([folder, names(files)]).toEqual([place.folder, ['stack.yaml']]);
  });

  it.each([
    ['a new file', 'compose.d/web.yaml', 'services: {web: {image: x}}', []],
    ['the one that it replaces', 'compose.d/1.yaml', 'services: {c: {image: y}}', []],
    [
      'a name that a sibling has',
      'compose.d/web.yaml',
      'services: {b: {image: x}}',
      [/^compose\.d\/web\.yaml: .*"?b"?/],
    ],
    [
      'a wrong key',
      'compose.d/1.yaml',
      'services: {c: {imgae: x}}',
      [/^compose\.d\/1\.yaml: /, /^compose\.d\/1\.yaml: /],
    ],
    ['a file that stands alone', 'stack.yaml', 'services: {b: {image: x}}', []],
  ])('judges a candidate among the siblings of its place: %s', async (_what, as, content, says) => {
    // As Chef does it: beside the file that it will replace, with a dot.
    await put({ ...PROJECT, 'compose.d/.chef-web20261125.yaml': content });
    const candidate = join(place.folder, 'compose.d/.chef-web20261125.yaml');
    const result = await readCompose(join(place.folder, as), undefined, candidate);
    const errors = result.kind === 'ok' ? [] : result.errors;
    expect(errors.map(({ file, message }) => `${file.slice(place.folder.length + 1)}: ${message}`)).toEqual(
      says.map((said) => expect.stringMatching(said) as unknown),
    );
  });

  it('takes a candidate as the first file of a folder that is not there yet', async () => {
    await put({ 'new.yaml': 'services: {web: {image: x, env_file: web.env}}', 'etc/web.env': '' });
    const at = join(place.folder, 'etc/compose.d/web.yaml');
    expect(await readCompose(at, undefined, join(place.folder, 'new.yaml'))).toMatchObject({ kind: 'ok' });
  });

  it('does not call a file good that it would not read', async () => {
    await put(PROJECT);
    expect(await errorsIn('compose.d/.4.yaml')).toEqual([
      'compose.d/.4.yaml: is not read: compose.d takes only *.yaml and *.yml files that are not hidden',
    ]);
  });

  it('takes compose.yml too, but not beside compose.yaml', async () => {
    await put({ 'compose.yml': 'services: {}' });
    expect(await errorsIn('')).toEqual([]);
    await put({ 'compose.yaml': 'services: {}' });
    expect(await errorsIn('')).toEqual(['compose.yml: lies beside compose.yaml']);
  });

  it.each(['compose.override.yaml', 'docker-compose.override.yml'])(
    'never ignores %s, which Compose would merge',
    async (name) => {
      await put({ 'compose.yaml': 'services: {}', [name]: 'services: {}' });
      expect(await errorsIn('')).toEqual([
        `${name}: is merged into compose.yaml by Compose, but supercargo merges no files`,
      ]);
      expect(await errorsIn('compose.yaml')).toEqual([]);
    },
  );

  it('names an old file that lies there alone', async () => {
    await put({ 'docker-compose.yml': 'services: {}' });
    expect(await errorsIn('')).toEqual(['docker-compose.yml: is not read: in a folder only compose.yaml is']);
  });

  it('is an error where there are none', async () => {
    expect(await errorsIn('')).toEqual([': holds no compose.yaml and no compose.d/*.yaml']);
    expect(await errorsIn('gone.yaml')).toEqual(['gone.yaml: does not exist']);
  });
});

describe('reading a project', () => {
  it('reads what the files name, in as many rounds as it takes, and says what to watch', async () => {
    await put({
      'compose.yaml':
        'services: {a: {image: x, env_file: "./${NAME}.env", secrets: [s]}}\nsecrets: {s: {file: ./secret}}\nx-supercargo: {env-file: v.env}',
      'v.env': 'NAME=n',
      'n.env': 'A=1',
      secret: Buffer.from([0, 255, 1]),
    });
    const result = await readCompose(place.folder);
    const container = result.kind === 'ok' ? result.project.services['a']?.container : undefined;
    expect([
      result.kind,
      container?.environment,
      container?.mounts,
      names(result.watch),
      result.folders,
    ]).toEqual([
      'ok',
      { A: '1' },
      [
        {
          kind: 'bind',
          source: join(place.folder, 'secret'),
          target: '/run/secrets/s',
          readOnly: true,
          createSource: false,
          contentHash: createHash('sha256')
            .update(Buffer.from([0, 255, 1]))
            .digest('hex'),
        },
      ],
      ['.env', 'compose.yaml', 'n.env', 'secret', 'v.env'],
      [place.folder, join(place.folder, 'compose.d')],
    ]);
  });

  it.each([
    ['larger than a mebibyte', Buffer.alloc(1024 ** 2 + 1, 0x23), 'is larger than 1 MiB'],
    ['not UTF-8', Buffer.from([0x61, 0xff]), 'is not UTF-8 text'],
  ])('refuses a file that is %s', async (_name, content, message) => {
    await put({ ...PROJECT, 'compose.d/9.yaml': content });
    expect(await errorsIn('')).toEqual([`compose.d/9.yaml: ${message}`]);
  });

  it('refuses folders where files should be', async () => {
    await put({ 'compose.yaml': 'secrets: {s: {file: ./d}}' });
    await mkdir(join(place.folder, 'd'));
    expect(await errorsIn('')).toEqual([`compose.yaml: ${join(place.folder, 'd')} is not a regular file`]);
  });

  it('gives no project at all while one of its files is wrong', async () => {
    await put({ ...PROJECT, 'compose.d/9.yaml': 'services: [' });
    expect((await readCompose(place.folder)).kind).toBe('errors');
  });

  it('is parsed again only where one of its files has changed', async () => {
    const compose = 'services: {a: {image: x, env_file: a.env}}\nsecrets: {s: {file: ./s}}';
    await put({ 'compose.yaml': compose, 'a.env': 'A=1', s: 'one' });
    const read = createComposeReader(place.folder);
    let before = await read();
    expect(await read()).toBe(before);
    for (const change of [
      { 'a.env': 'A=2' },
      { s: 'two' },
      { 'compose.d/b.yaml': 'services: {b: {image: x}}' },
      { 'compose.yaml': 'services: {a: {image: y}}' },
    ]) {
      await put(change);
      const after = await read();
      expect(after).not.toBe(before);
      expect(after).toEqual(await readCompose(place.folder));
      before = after;
    }
    expect(await read()).toBe(before);
  });

  it('stops where its signal is aborted', async () => {
    await put(PROJECT);
    await expect(readCompose(place.folder, AbortSignal.abort(new Error('ended')))).rejects.toThrow('ended');
  });
});

describe('what stands in the place of a file', () => {
  const stand: readonly (readonly [string, (path: string) => unknown, string])[] = [
    ['a FIFO', (path) => runCommand('mkfifo', [path]), 'is not a regular file'],
    ['a folder', (path) => mkdir(path), 'is not a regular file'],
    [
      'links in a ring',
      (path) => symlink(path, path),
      'cannot be read: too many symbolic links encountered (ELOOP)',
    ],
    ['a device without an end', (path) => symlink('/dev/zero', path), 'is not a regular file'],
    ['a large file', (path) => writeFile(path, Buffer.alloc(100 * 1024 ** 2)), 'is larger than 1 MiB'],
    [
      'a megabyte of quotes',
      (path) => writeFile(path, `A=${'"'.repeat(1_000_000)}\n`),
      'the quotes do not match',
    ],
    [
      'a value that grows',
      (path) => writeFile(path, `A=${'x'.repeat(100_000)}\nB=${'$A'.repeat(9)}\n`),
      'becomes too long',
    ],
  ];

  it.each(stand)('%s is told at once, and forgotten when it is mended', async (_, make, message) => {
    await put({ 'compose.yaml': 'services: {a: {image: x, env_file: [e]}}', e: 'A=1\n' });
    const read = createComposeReader(place.folder);
    const before = await read();
    await rm(join(place.folder, 'e'));
    await make(join(place.folder, 'e'));
    const during = await read();
    expect(during.kind === 'errors' && during.errors[0]?.message).toContain(message);
    expect(await read()).toBe(during);
    await rm(join(place.folder, 'e'), { recursive: true });
    await put({ e: 'A=1\n' });
    expect(await read()).toEqual(before);
  });

  it.each([
    ['a FIFO', (path: string) => runCommand('mkfifo', [path])],
    ['a device', (path: string) => symlink('/dev/zero', path)],
  ])('%s in the place of compose.yaml is told', async (_, make) => {
    await make(join(place.folder, 'compose.yaml'));
    expect(await errorsIn('')).toEqual(['compose.yaml: is not a regular file']);
  });

  it('files that together are too large are told', async () => {
    const files = Array.from({ length: 20 }, (_, index) => `e${String(index)}`);
    await put({
      'compose.yaml': `services: {a: {image: x, env_file: [${files.join(', ')}]}}`,
      ...Object.fromEntries(files.map((name) => [name, `#${'x'.repeat(1024 ** 2 - 2)}`])),
    });
    expect(String(await errorsIn(''))).toContain(
      'makes the files of this project larger than 16 MiB together',
    );
  });
});
