/** The cookbook as far as it goes without Chef: Ruby, its style, its libraries; and that the agent reads what these write. */
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseEnv } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parse } from 'yaml';
import { OPERATOR_ENTRIES } from '../../src/config/agent-variables.ts';
import { readDockerConfig } from '../../src/adapters/registry-credentials/docker-config.ts';
import { askLibraries } from '../support/chef-libraries.ts';
import { runCommand } from '../support/command.ts';
import { readEnvironmentFile } from '../support/environment-file.ts';

const cookbook = join(import.meta.dirname, '..', '..', 'chef', 'supercargo');

const temporaryFolder = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-chef-'));
  onTestFinished(async () => rm(folder, { recursive: true, force: true }));
  return folder;
};

/** What a person would see where a program fails. */
const complaint = async (program: string, args: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await runCommand(program, args, { cwd: cookbook });
  return code === 0 ? stderr : `${stdout}${stderr}`;
};

const RICH = {
  networks: { back: { driver: 'bridge', internal: true } },
  volumes: { data: null },
  secrets: { db: { file: './secrets/db' } },
  services: {
    web: {
      image: 'registry.example.com:5000/org/web',
      ports: ['80:8888', { target: 9000, published: 9000, protocol: 'udp' }],
      environment: {
        NODE_ENV: 'production',
        EXPONENT: '1e3',
        OCTAL: '010',
        ANSWER: 'no',
        PRICE: '$$5',
        TEXT: 'two\nlines: #1',
      },
      command: ['sh', '-c', 'exec node --title "a: b" server.js'],
      restart: 'always',
      logging: { driver: 'syslog', options: { tag: '{{.Name}}' } },
      healthcheck: { test: ['CMD', 'true'], interval: '30s', retries: 3 },
      deploy: {
        replicas: 1,
        resources: { limits: { cpus: '0.5', memory: '512m' } },
        update_config: { monitor: '10s' },
      },
      depends_on: { migrate: { condition: 'service_completed_successfully' } },
      networks: { back: { aliases: ['front'] } },
      volumes: ['data:/data'],
      secrets: ['db'],
      ulimits: { nofile: { soft: 1024, hard: 4096 } },
      init: true,
      entrypoint: [],
      'x-supercargo': { ready: { http: '/health', port: 8888 }, drain: '30s' },
    },
    migrate: {
      image: 'registry.example.com:5000/org/web',
      command: [],
      restart: 'no',
      'x-supercargo': { 'version-from': 'web' },
    },
  },
};

const on = (port: number, more: object = {}): object => ({
  image: 'x',
  ports: [`${String(port)}:80`],
  ...more,
});

describe('the cookbook', () => {
  it('is Ruby, in the style of its .rubocop.yml', async () => {
    const names = await readdir(cookbook, { recursive: true });
    const files = names.filter((name) => name.endsWith('.rb'));
    expect(files.length).toBeGreaterThan(20);
    expect(await complaint('ruby', ['-wc', ...files])).toBe('');
    expect(await complaint('rubocop', ['--cache', 'false', '--format', 'simple'])).toBe('');
  });

  it('passes the specs that need no Chef', async () => {
    expect(await complaint('rspec', ['--no-color', 'spec/libraries'])).toBe('');
  });

  it('knows every variable of the agent, each in one place', async () => {
    const { variables } = await askLibraries({});
    const known = [...Object.keys(variables.properties), ...variables.others];
    const operators = OPERATOR_ENTRIES.map(([name]) => name);
    expect(known.toSorted()).toEqual(operators.toSorted());
  });
});

describe('what the libraries of the cookbook write', () => {
  it('passes supercargo validate', async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'secrets'));
    await writeFile(join(folder, 'secrets', 'db'), '');
    const { sets } = await askLibraries({ folder, sets: [RICH] });
    const expected = [0, `ok    ${folder}: 2 services: migrate, web\n`, ['shared.yaml', 'web.yaml']];
    expect(sets).toEqual([expected]);
  });

  it('can change as a set in any way that is right in the end', async () => {
    const folder = await temporaryFolder();
    const back = { networks: { back: null } };
    const changes = {
      'two services': { services: { a: on(80), b: on(81) } },
      'ports are swapped': { services: { a: on(81), b: on(80) } },
      'one is renamed and keeps its port': { services: { b: on(80), c: on(81) } },
      'a network comes, shared': { services: { b: on(80, back), c: on(81, back) }, ...back },
      'a version is shared from now on': {
        services: { b: on(80), c: on(81, { 'x-supercargo': { 'version-from': 'b' } }) },
      },
      'and not any more': { services: { b: on(80), c: on(81) } },
    };
    const { sets } = await askLibraries({ folder, sets: Object.values(changes) });
    const outcomes = sets.map(([code, output, files], at) => [
      Object.keys(changes)[at],
      code === 0 ? files.join(' ') : output,
    ]);
    expect(outcomes).toEqual([
      ['two services', 'a.yaml b.yaml'],
      ['ports are swapped', 'a.yaml b.yaml'],
      ['one is renamed and keeps its port', 'b.yaml c.yaml'],
      ['a network comes, shared', 'b.yaml c.yaml shared.yaml'],
      ['a version is shared from now on', 'b.yaml c.yaml'],
      ['and not any more', 'b.yaml c.yaml'],
    ]);
  });

  it('is refused as a whole, with the place that it would have had', async () => {
    const folder = await temporaryFolder();
    const { sets } = await askLibraries({
      folder,
      sets: [
        { services: { web: { image: 'x' } } },
        { services: { api: { image: 'x' }, web: { image: 'x', restrat: 'no' } } },
        { services: { web: false } },
      ],
    });
    const [, broken, emptied] = sets;
    expect(broken).toEqual([
      1,
      expect.stringContaining(`error ${folder}/compose.d/web.yaml:5:5: services.web.restrat: unknown key`),
      ['web.yaml'],
    ]);
    expect(emptied).toEqual([1, expect.stringMatching(/\(web\).*\n.*allow-empty: true/), ['web.yaml']]);
  });

  it('is YAML that is read as it was meant', async () => {
    const nasty = fc.string({ unit: 'grapheme' }).map((text) => text.toWellFormed());
    const tricky = fc.constantFrom(
      '1e3',
      '0o17',
      '0x1f',
      '010',
      '1_0',
      '.5',
      'no',
      '~',
      '22:22',
      '2026-11-25',
      '<<',
      '- a',
      'a: b',
      '# a',
    );
    const value = fc.oneof(nasty, tricky, fc.integer(), fc.boolean(), fc.constant(null));
    const { tree: anyTree } = fc.letrec((tie) => ({
      tree: fc.dictionary(
        fc.oneof(nasty, tricky),
        fc.oneof({ depthSize: 'small' }, value, fc.array(value), tie('tree')),
      ),
    }));
    const trees = fc.sample(anyTree, { numRuns: 300, seed: 1 }) as object[];
    const { yaml } = await askLibraries({ compose: [...trees, RICH] });
    for (const [at, tree] of [...trees, RICH].entries()) {
      const text = yaml[at] ?? '';
      const expected: unknown = JSON.parse(JSON.stringify(tree));
      // With its text, so that a failure shows it.
      const read = (['1.1', '1.2'] as const).map(
        (version) => parse(text, { version, merge: false }) as unknown,
      );
      expect([text, ...read]).toEqual([text, expected, expected]);
    }
  });

  it('means the same to systemd as to the commands, or is refused', async () => {
    const characters = [
      'a',
      'Z',
      '0',
      ' ',
      '"',
      "'",
      '\\',
      '`',
      '$',
      '#',
      ';',
      '=',
      ':',
      '*',
      '{',
      '~',
      'é',
      '${A}',
      '\\n',
      ' #',
      '" ',
    ];
    const value = fc.string({ unit: fc.constantFrom(...characters), maxLength: 12 });
    const values = fc.sample(value, { numRuns: 2000, seed: 1 });
    // One between two others: a quote that does not close would take the next line with it.
    const { env } = await askLibraries({ env: values.map((B) => ({ A: 'before', B, C: 'after' })) });
    const refused = values.filter((B, at) => {
      const text = env[at];
      if (typeof text !== 'string') return true;
      const expected = { A: 'before', B, C: 'after' };
      expect([text, readEnvironmentFile(text), { ...parseEnv(text) }]).toEqual([text, expected, expected]);
      return false;
    });
    for (const text of refused) expect(text).toMatch(/'[^]*["\\]|["\\][^]*'/);
    expect(values.length - refused.length).toBeGreaterThan(1000);
  });

  it('is a config.json that the agent reads', async () => {
    const folder = await temporaryFolder();
    const { logins } = await askLibraries({
      logins: [
        ['registry.example.com:5000', { username: 'ci', password: 'p:ä"\\ss' }],
        ['docker.io', { username: 'me', identity_token: 'token' }],
      ],
    });
    await writeFile(join(folder, 'config.json'), logins);
    const { auths } = await readDockerConfig(join(folder, 'config.json'));
    const password = Buffer.from(auths['registry.example.com:5000']?.auth ?? '', 'base64').toString();
    expect([password, auths['https://index.docker.io/v1/']?.identitytoken]).toEqual(['ci:p:ä"\\ss', 'token']);
  });
});
