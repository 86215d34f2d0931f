import { globSync, readFileSync } from 'node:fs';
import { dirname, join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';

const source = join(import.meta.dirname, '..', '..', 'src');

/**
 * `core`, `agent`, `cli`, …; an adapter is a layer of its own: `adapters/docker`. A file and the folder of
 * its name are one.
 */
const layerOf = (file: string): string => {
  const [first = '', second = ''] = file.replace(/(\.d)?\.ts$/, '').split('/');
  return first === 'adapters' ? `${first}/${second}` : first;
};

/** Static, re-exported, type-only and dynamic imports, as prettier writes them. */
const IMPORT = /(?:^(?:import|export)\s[^'";]*?from\s+|^import\s+|\bimport\(\s*)'([^']+)'/gm;

const importsOf = (file: string, text: string): readonly string[] =>
  [...text.matchAll(IMPORT)]
    .map((match) => match[1] ?? '')
    .map((path) => (path.startsWith('.') ? relative(source, join(source, dirname(file), path)) : path));

/** What each layer may import of the others (ARCHITECTURE.md, "Imports point down only"). */
const below: Readonly<Record<string, readonly string[]>> = {
  main: ['cli', 'config', 'io', 'core'],
  cli: ['agent', 'publish', 'hub', 'adapters', 'config', 'io', 'core'],
  agent: ['core'],
  publish: ['core'],
  hub: ['core'],
  adapters: ['io', 'core'],
  config: ['io', 'core'],
  io: ['core'],
  core: [],
};

/** What core may use from outside: nothing that reads or writes, no clock, no randomness. */
const pure = ['node:crypto', 'node:path', 'valibot', 'yaml'];

/** Packages with one home. */
const homes: Readonly<Record<string, RegExp>> = {
  dockerode: /^adapters\/docker\//,
  got: /^io\/http\.ts$/,
  fastify: /^hub\//,
  envalid: /^config[./]/,
  'node-cron': /^config[./]/,
  commander: /^(main\.|cli\/)/,
  'systemd-notify': /^adapters\//,
  postgres: /^adapters\/hub-postgres\//,
};

const problemOf = (file: string, path: string): string | undefined => {
  const layer = layerOf(file);
  const isRelative = path.endsWith('.ts');
  if (!isRelative) {
    if (path === '../package.json') return undefined;
    if (layer === 'core') return pure.includes(path) ? undefined : `core is pure, it may not use ${path}`;
    const home = homes[path];
    if (home?.test(file) === false) return `${path} belongs to ${home.source}`;
    const isFit = layer !== 'io' || home !== undefined || path.startsWith('node:');
    return isFit ? undefined : `io uses Node alone, not ${path}`;
  }
  const target = layerOf(path);
  if (target === layer) return undefined;
  const allowed = below[layer.split('/')[0] ?? ''] ?? [];
  return allowed.includes(target.split('/')[0] ?? '') ? undefined : `${layer} may not import ${path}`;
};

const files = globSync('**/*.ts', { cwd: source }).toSorted();
const textOf = (file: string): string => readFileSync(join(source, file), 'utf8');
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<=^|\s)\/\/.*/g, '');
const mentioning = (words: RegExp): readonly string[] =>
  files.filter((file) => words.test(withoutComments(textOf(file))));

describe('import directions', () => {
  it('point down only, and adapters never import each other', () => {
    const problems = files.flatMap((file) =>
      importsOf(file, textOf(file))
        .map((path) => problemOf(file, path))
        .filter((problem) => problem !== undefined)
        .map((problem) => `src/${file}: ${problem}`),
    );
    expect(problems).toEqual([]);
  });

  it('know every folder of src', () => {
    const layers = new Set(files.map((file) => layerOf(file).split('/')[0]));
    expect([...layers].filter((layer) => !(layer !== undefined && layer in below))).toEqual([]);
  });

  it.each([
    [
      'core/plan/plan.ts',
      "import { x } from '../../adapters/docker/host.ts';",
      ['core may not import adapters/docker/host.ts'],
    ],
    [
      'core/plan/plan.ts',
      "import type {\n  X,\n} from '../../agent/tick.ts';",
      ['core may not import agent/tick.ts'],
    ],
    [
      'core/plan/plan.ts',
      "import { readFileSync } from 'node:fs';",
      ['core is pure, it may not use node:fs'],
    ],
    [
      'adapters/lock.ts',
      "import { x } from './docker/host.ts';",
      ['adapters/lock may not import adapters/docker/host.ts'],
    ],
    ['adapters/docker/a.ts', "export * from './b.ts';\nimport '../../core/errors.ts';", []],
    ['adapters/lock.ts', "import { x } from './lock/file.ts';", []],
    ['agent/tick.ts', "const x = await import('../cli/status.ts');", ['agent may not import cli/status.ts']],
    ['agent/tick.ts', "import Docker from 'dockerode';", ['dockerode belongs to ^adapters\\/docker\\/']],
    ['adapters/lock.ts', "import { got } from 'got';", ['got belongs to ^io\\/http\\.ts$']],
    ['io/http.ts', "const { got } = await import('got');", []],
    ['io/http.ts', "import { x } from '../adapters/lock.ts';", ['io may not import adapters/lock.ts']],
    ['io/http.ts', "import * as v from 'valibot';", ['io uses Node alone, not valibot']],
    ['cli/run.ts', "import { x } from '../main.ts';", ['cli may not import main.ts']],
  ])('sees what %s imports with %j', (file, text, expected) => {
    const problems = importsOf(file, text).map((path) => problemOf(file, path));
    expect(problems.filter((problem) => problem !== undefined)).toEqual(expected);
  });
});

/** Files that import each other, directly or through others; a type is an import too. */
const circlesIn = (imports: ReadonlyMap<string, readonly string[]>): readonly string[] => {
  const done = new Set<string>();
  const walk = (file: string, path: readonly string[]): string[] => {
    if (path.includes(file)) return [[...path.slice(path.indexOf(file)), file].join(' → ')];
    if (done.has(file)) return [];
    const found = (imports.get(file) ?? []).flatMap((next) => walk(next, [...path, file]));
    done.add(file);
    return found;
  };
  return [...imports.keys()].flatMap((file) => walk(file, []));
};

describe('import circles', () => {
  it('are none', () => {
    expect(circlesIn(new Map(files.map((file) => [file, importsOf(file, textOf(file))])))).toEqual([]);
  });

  it.each<[string, Record<string, readonly string[]>, readonly string[]]>([
    ['none', { a: ['b', 'c'], b: ['c'], c: [] }, []],
    ['one of two', { a: ['b'], b: ['c'], c: ['b'] }, ['b → c → b']],
    ['itself', { a: ['a'] }, ['a → a']],
    ['one that is reached late', { a: ['b'], b: [], c: ['a', 'd'], d: ['c'] }, ['c → d → c']],
  ])('are seen: %s', (_what, imports, circles) => {
    expect(circlesIn(new Map(Object.entries(imports)))).toEqual(circles);
  });
});

describe('what only one file may use', () => {
  it('is process.exit for main.ts', () => {
    expect(mentioning(/\bprocess\.(exit|abort)\b/).filter((file) => file !== 'main.ts')).toEqual([]);
  });

  it('is process.env for config/environment.ts', () => {
    expect(
      mentioning(/\bprocess\.env\b|\bprocess\[|\benv\b[^;]*from 'node:process'/).filter(
        (file) => file !== 'config/environment.ts',
      ),
    ).toEqual([]);
  });

  it('is the clock and randomness for nobody in core', () => {
    const impure =
      /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\brandom(Bytes|UUID|Int)\b|\bperformance\.|\bconsole\.|\bset(Timeout|Interval)\b/;
    expect(mentioning(impure).filter((file) => file.startsWith('core/'))).toEqual([]);
  });
});

/** Static imports of values alone: what is in memory before anything was done. */
const loadedWith = (file: string, seen = new Set<string>()): ReadonlySet<string> => {
  if (seen.has(file)) return seen;
  seen.add(file);
  if (!file.endsWith('.ts')) return seen;
  const values = textOf(file).replaceAll(/^(?:import|export) type\s[^;]*;|\bimport\([^)]*\)/gm, '');
  for (const path of importsOf(file, values)) loadedWith(path, seen);
  return seen;
};

it('no module of Node that is loaded late is taken apart: the bundle gives it as the default alone', () => {
  const late = files.flatMap((file) => textOf(file).match(/^.*\bimport\('node:.*$/gm) ?? []);
  const whole = /\{ default: \w+ \} = await import\('node:|\(await import\('node:[a-z]+'\)\)\.default\b/;
  expect(late).not.toEqual([]);
  expect(late.filter((line) => !whole.test(line))).toEqual([]);
});

describe('what the daemon loads before anything was done', () => {
  it.each(['got', 'dockerode', 'fastify', 'postgres', 'node:https', 'node:tls', 'node:http2'])(
    'is not %s: it takes 5 to 10 MB, and most looks at a host need none of it',
    (path) => {
      const loaded = [...loadedWith('main.ts'), ...loadedWith('cli/commands/run.ts')];
      expect(loaded).toContain('adapters/docker/docker-engine.ts');
      expect(loaded).toContain('io/http.ts');
      expect(loaded).not.toContain(path);
    },
  );
});

describe('what every command loads', () => {
  it('is the parser and the definitions: help and version need nothing else', () => {
    const loaded = [...loadedWith('main.ts')];
    expect(loaded).toContain('cli/definitions/host-commands.ts');
    expect(loaded.filter((path) => !/\.(ts|json)$|^node:/.test(path))).toEqual(['commander']);
    expect(loaded.filter((path) => /^(config|adapters|agent|publish|cli\/commands)\b/.test(path))).toEqual(
      [],
    );
  });

  it('is not node-cron for what only has to know where the agent is', () => {
    const loaded = loadedWith('config/paths.ts');
    expect(loaded).toContain('config/place-variables.ts');
    expect(loaded).not.toContain('node-cron');
  });
});
