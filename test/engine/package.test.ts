import { existsSync, globSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { VERSION } from '../../src/cli/version.ts';
import { runCommand } from '../support/command.ts';
import { packageOfRun } from '../support/package.ts';

const folder = mkdtempSync(join(tmpdir(), 'supercargo-package-'));
const tree = join(folder, 'tree');
let built = '';
const inTree = (path: string): string => join(tree, path);
const textIn = (path: string): string => readFileSync(inTree(path), 'utf8');
const unit = (name: string): string => inTree(`usr/lib/systemd/system/${name}`);

/** @throws where the program fails. */
const output = async (program: string, args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(program, args, { timeoutMs: 90_000 });
  if (code !== 0) throw new Error(`${program} ended with ${String(code)}: ${stdout}${stderr}`);
  return stdout;
};

beforeAll(async () => {
  built = await packageOfRun();
  await output('dpkg-deb', ['--extract', built, tree]);
}, 300_000);

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('the Debian package', () => {
  it('is small enough', () => {
    expect(statSync(built).size).toBeLessThan(40e6);
  });

  it('has these files, of root, with these modes', async () => {
    const listing = await output('dpkg-deb', ['--contents', built]);
    const lines = listing.split('\n').map((line) => line.split(/\s+/));
    const entries = lines.flatMap(([mode = '', owner = '', , , , path = '']) =>
      mode.startsWith('-') && !path.endsWith('.mjs') ? [`${mode} ${owner} ${path}`] : [],
    );
    expect(entries.toSorted()).toEqual([
      '-rw-r--r-- root/root ./usr/lib/supercargo/node-flags',
      '-rw-r--r-- root/root ./usr/lib/systemd/system/supercargo.service',
      '-rw-r--r-- root/root ./usr/lib/systemd/system/supercargo@.service',
      '-rw-r--r-- root/root ./usr/share/bash-completion/completions/supercargo',
      '-rw-r--r-- root/root ./usr/share/doc/supercargo/changelog.gz',
      '-rw-r--r-- root/root ./usr/share/doc/supercargo/copyright',
      '-rw-r--r-- root/root ./usr/share/doc/supercargo/examples/agent.env',
      '-rw-r--r-- root/root ./usr/share/lintian/overrides/supercargo',
      '-rw-r--r-- root/root ./usr/share/man/man1/supercargo.1.gz',
      '-rwxr-xr-x root/root ./usr/bin/supercargo',
      '-rwxr-xr-x root/root ./usr/lib/supercargo/node',
    ]);
    const folders = lines.filter(([mode = '']) => mode.startsWith('d'));
    expect(new Set(folders.map(([mode, owner]) => `${mode ?? ''} ${owner ?? ''}`))).toEqual(
      new Set(['drwxr-xr-x root/root']),
    );
  });

  it('runs with nothing but what is in it', async () => {
    const program = inTree('usr/lib/supercargo/supercargo.mjs');
    const printed = await output(inTree('usr/lib/supercargo/node'), [program, '--version']);
    expect(printed.trim()).toBe(VERSION);
  });

  it('names the licence of Node and of everything that is bundled', async () => {
    const copyright = textIn('usr/share/doc/supercargo/copyright');
    const files = [...copyright.matchAll(/^Files: (.*)$/gm)].map((match) => match[1] ?? '');
    expect(files).toContain('usr/lib/supercargo/node');
    // What the source maps say, which esbuild makes another way than its list of inputs.
    const dist = join(import.meta.dirname, '..', '..', 'dist');
    const maps = globSync('*.mjs.map', { cwd: dist }).map((name) => readFileSync(join(dist, name), 'utf8'));
    const sources = maps.flatMap((map) => (JSON.parse(map) as { sources: readonly string[] }).sources);
    // Some packages bring maps of their own, of sources that are not here.
    const present = sources.filter((path) => existsSync(join(dist, path)));
    const bundled = present.flatMap(
      (path) => /node_modules\/((?:@[^/]+\/)?[^/]+)\/(?!.*node_modules\/)/.exec(path)?.[1] ?? [],
    );
    const named = new Set(files.map((file) => /\*\.mjs\/(.*)-\d/.exec(file)?.[1]));
    expect([...new Set(bundled)].filter((name) => !named.has(name))).toEqual([]);
    expect(bundled).toContain('commander');
  });

  it('has a manual of every command that man can show', async () => {
    const manual = gunzipSync(readFileSync(inTree('usr/share/man/man1/supercargo.1.gz'))).toString('utf8');
    const sections = [...manual.matchAll(/^\.SS \\fB(.*)\\fR$/gm)].map((match) => match[1]);
    expect(sections).toEqual(expect.arrayContaining(['run', 'status', 'publish', 'hub', 'hub token']));
    expect(manual).not.toMatch(/^[.'](?!TH|SH|SS|TP|PP|nf|fi|B|BR)/m);
  });

  it.each<readonly [string, readonly string[], readonly string[]]>([
    ['commands', ['supercargo', 'pub'], ['publish']],
    ['commands behind an instance', ['supercargo', '--instance', 'staging', 'sta'], ['status']],
    ['options of a command', ['supercargo', 'status', '--w'], ['--watch']],
    ['the second word of a command', ['supercargo', 'hub', 'to'], ['token']],
  ])('completes %s in bash', async (_, words, expected) => {
    const script = `source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _supercargo; echo "\${COMPREPLY[@]}"`;
    const completions = inTree('usr/share/bash-completion/completions/supercargo');
    const printed = await output('bash', ['-c', script, 'bash', completions, ...words]);
    expect(printed.trim().split(' ')).toEqual(expected);
  });
});

describe('the units', () => {
  it.each(['supercargo.service', 'supercargo@.service'])('%s: exposed to 2.0 or less', async (name) => {
    const printed = await output('systemd-analyze', ['security', '--offline=yes', '--no-pager', unit(name)]);
    const exposure = Number(/exposure level for .*: ([\d.]+)/.exec(printed)?.[1]);
    expect(exposure).toBeLessThanOrEqual(2);
  });

  it.each(['supercargo.service', 'supercargo@staging.service'])(
    '%s: nothing that systemd does not know',
    async (name) => {
      const { stdout, stderr } = await runCommand('systemd-analyze', ['verify', '--man=no', unit(name)]);
      // The program is not installed where this is tested.
      const complaints = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('supercargo'));
      expect(complaints.filter((line) => !line.includes('/usr/bin/supercargo is not executable'))).toEqual(
        [],
      );
    },
  );
});
