import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { VARIABLE_ENTRIES } from '../../src/config/agent-variables.ts';
import { HUB_VARIABLES } from '../../src/config/hub-config.ts';
import { PUBLISHER_VARIABLES } from '../../src/config/publisher-config.ts';
import { presetOf } from '../../src/config/read-variables.ts';
import { parseProject } from '../../src/core/compose/project.ts';
import { SERVICE_KEYS } from '../../src/core/compose/service-keys.ts';
import { UNSUPPORTED_SERVICE_KEYS, UNSUPPORTED_TOP_KEYS } from '../../src/core/compose/unsupported.ts';
import { parseManifest } from '../../src/core/manifest/schema.ts';
import { parseTrust } from '../../src/core/manifest/trust.ts';
import { LABELS } from '../../src/core/docker-names.ts';
import { EXIT } from '../../src/core/status/exit-code.ts';
import { ERROR_CODES } from '../../src/core/vocabulary/error-codes.ts';
import { EVENT_NAMES } from '../../src/core/vocabulary/event-names.ts';
import {
  BLOCK_REASONS,
  FAILURE_REASONS,
  REJECTION_REASONS,
  WAIT_REASONS,
} from '../../src/core/vocabulary/reasons.ts';
import { ACTION_EVENTS } from '../../src/agent/execute.ts';
import { FAULTS } from '../faults/table.ts';
import { VERDICT_KINDS, VERDICT_WORDS, OUTCOMES } from '../../src/core/vocabulary/outcomes.ts';
import { CONTAINER_ROLES, EDGE_ROLES } from '../../src/core/vocabulary/roles.ts';

const root = join(import.meta.dirname, '..', '..');
const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const FOREIGN = /^(?:node_modules|dist|coverage|packaging\/out)\//;
const documents = globSync('**/*.md', { cwd: root, exclude: ['node_modules', 'dist'] })
  .filter((path) => !FOREIGN.test(path))
  .toSorted();

const configuration = read('docs/CONFIGURATION.md');
const compose = read('docs/COMPOSE.md');
const reference = read('docs/DOCUMENTS.md');
const architecture = read('ARCHITECTURE.md');

/** The names of all members of the interfaces in a file. */
const membersOf = (path: string): readonly string[] => [
  ...new Set([...read(path).matchAll(/^ +readonly (\w+)\??:/gm)].map((match) => match[1] ?? '')),
];

/** Cells of every table row of a document, without markup. */
const rowsOf = (text: string): readonly (readonly string[])[] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .slice(1, line.lastIndexOf('|'))
        .split('|')
        .map((cell) => cell.replaceAll(/[`\\]/g, '').trim()),
    );

const missingIn = (text: string, names: readonly string[]): readonly string[] =>
  names.filter((name) => !new RegExp(`\`${name.replaceAll('.', '\\.')}\`|\\.${name}\``).test(text));

describe('docs/CONFIGURATION.md', () => {
  it('has the table of variables, word for word', () => {
    const rows = rowsOf(configuration).filter((row) => row.length === 4 && row[0] !== 'variable');
    const written = rows.filter(([name = '']) => !name.startsWith('-'));
    expect(written).toEqual(
      VARIABLE_ENTRIES.map(([name, variable]) => [
        name,
        variable.unit,
        presetOf(variable) ?? '**must be set**',
        variable.effect,
      ]),
    );
  });
});

describe.each([
  ['docs/PUBLISHING.md', PUBLISHER_VARIABLES],
  ['docs/HUB.md', HUB_VARIABLES],
])('%s', (path, variables) => {
  it('has the table of variables, word for word', () => {
    const rows = rowsOf(read(path)).filter(([name = '']) => /^[A-Z_]+$/.test(name));
    const plain = Object.entries(variables).map(([name, effect]) => [name, effect.replaceAll('`', '')]);
    expect(rows).toEqual(plain);
  });
});

describe('docs/COMPOSE.md', () => {
  it('names every key of a service', () => {
    expect(missingIn(compose, Object.keys(SERVICE_KEYS))).toEqual([]);
  });

  it('names every key of the top level', () => {
    const [, table = ''] =
      /const topTable = [^{]*\(\{([^]*?)\}\);/.exec(read('src/core/compose/project.ts')) ?? [];
    const keys = [...table.matchAll(/^ {2}'?([\w-]+)'?[,:]/gm)].map((match) => match[1] ?? '');
    expect(keys).toContain('services');
    expect(missingIn(compose, keys)).toEqual([]);
  });

  it('says of every key that is not supported what to do, word for word', () => {
    const rows = rowsOf(compose).map((row) => row.join(' | '));
    const wanted = Object.entries({ ...UNSUPPORTED_SERVICE_KEYS, ...UNSUPPORTED_TOP_KEYS });
    expect(wanted.map(([key, advice]) => `${key} | ${advice}`).filter((row) => !rows.includes(row))).toEqual(
      [],
    );
  });

  it('shows a file that is accepted', () => {
    const [, text = ''] = /```yaml\n([^]*?)```/.exec(compose) ?? [];
    const named = new Map([['/etc/supercargo/web.env', { kind: 'text', text: '' } as const]]);
    const files = [{ path: '/etc/supercargo/compose.yaml', text }];
    expect(parseProject({ folder: '/etc/supercargo', files, read: named })).toMatchObject({
      kind: 'ok',
      project: { hints: [], services: { web: { replaces: 'web' }, migrate: { versionFrom: 'web' } } },
    });
  });

  it('names every key of x-supercargo at the top', () => {
    const [, table = ''] =
      /'x-supercargo': fields\(\{([^}]*)\}/.exec(read('src/core/compose/project.ts')) ?? [];
    const keys = [...table.matchAll(/'([\w-]+)':/g)].map((match) => match[1] ?? '');
    expect(keys).toContain('allow-empty');
    expect(keys.filter((key) => !compose.includes(`\`${key}: `))).toEqual([]);
  });

  it('names every key of x-supercargo in a service', () => {
    const text = read('src/core/compose/x-supercargo.ts').split('serviceExtension')[1] ?? '';
    const keys = [...text.matchAll(/^ {2}'?([\w-]+)'?[,:]/gm)].map((match) => match[1] ?? '');
    expect(keys).toContain('replaces');
    expect(missingIn(compose, keys)).toEqual([]);
  });
});

describe('docs/FAULTS.md', () => {
  it('has the table of faults, word for word', () => {
    const rows = rowsOf(read('docs/FAULTS.md')).filter(([first = '']) => !/^(?:-|what fails)/.test(first));
    expect(rows).toEqual(
      Object.values(FAULTS).map((f) => [f.fault, f.happens, f.told].map((text) => text.replaceAll('`', ''))),
    );
  });

  it('has a row only of what some test tries', () => {
    const tests = globSync('test/faults/*.test.ts', { cwd: root }).map(read).join('\n');
    const names = Object.keys(FAULTS);
    expect(names.filter((name) => !tests.includes(`'${name}`))).toEqual([]);
  });
});

describe('docs/DOCUMENTS.md', () => {
  it.each([
    ['error code', ERROR_CODES],
    ['event', EVENT_NAMES],
    ['action', Object.keys(ACTION_EVENTS)],
    ['reason to wait', WAIT_REASONS],
    ['reason to block', BLOCK_REASONS],
    ['reason to reject', REJECTION_REASONS],
    ['reason to fail', FAILURE_REASONS],
    ['outcome', OUTCOMES],
    ['role of a container', CONTAINER_ROLES],
    ['role of an edge', EDGE_ROLES],
    ['kind of a verdict', VERDICT_KINDS],
    ['word of a verdict', VERDICT_WORDS],
  ])('names every %s', (_what, words) => {
    expect(missingIn(reference, words)).toEqual([]);
  });

  it('names every exit code once', () => {
    const codes = rowsOf(reference).flatMap(([first = '']) => (/^\d$/.test(first) ? [Number(first)] : []));
    expect(codes).toEqual(Object.values(EXIT).toSorted((a, b) => a - b));
  });

  it.each([
    ['src/core/status/status-document.ts', 'rolledBack'],
    ['src/cli/render/plan-text.ts', 'housekeeping'],
    ['src/cli/render/explain-text.ts', 'failure'],
    ['src/core/plan/explain-service.ts', 'differences'],
  ])('names every member of %s', (path, one) => {
    expect(membersOf(path)).toContain(one);
    // Documents tell a decision as outcome, reason, message and advice, and a time as ISO 8601.
    const members = membersOf(path).filter((member) => member !== 'decision' && member !== 'goodAtMs');
    expect(missingIn(reference, members)).toEqual([]);
  });

  it('names every member of the progress of a pull', () => {
    const [, body = ''] = /interface PullProgress \{([^]*?)\n\}/.exec(read('src/core/ports/engine.ts')) ?? [];
    const members = [...body.matchAll(/readonly (\w+):/g)].map((match) => match[1] ?? '');
    expect(members).toContain('layersDone');
    expect(missingIn(reference, members)).toEqual([]);
  });

  it('names every label', () => {
    expect(missingIn(reference, Object.values(LABELS))).toEqual([]);
  });

  it('names the version of every document', () => {
    const versions = globSync('src/**/*.ts', { cwd: root }).flatMap((path) =>
      [...read(path).matchAll(/'(supercargo\/(?!ledger)[a-z]*\/?v\d)'/g)].map((match) => match[1] ?? ''),
    );
    expect(versions).toContain('supercargo/status/v1');
    expect(missingIn(reference, [...new Set(versions)])).toEqual([]);
  });

  it('shows a manifest that is accepted', () => {
    const [, json = ''] = /```json\n([^]*?)```/.exec(reference) ?? [];
    expect(parseManifest(JSON.parse(json))).toMatchObject({ kind: 'manifest' });
  });
});

describe('ARCHITECTURE.md', () => {
  const titled = globSync('test/**/*.test.ts', { cwd: root }).flatMap((path) =>
    [...read(path).matchAll(/['"`]invariants? ([\d, ]+):/g)].flatMap((match) =>
      (match[1] ?? '').split(',').map((number) => `${number.trim()} ${path}`),
    ),
  );
  const rows = rowsOf(architecture).filter(([number = '']) => /^\d$/.test(number));

  it('has the nine invariants', () => {
    expect(rows.map(([number]) => number)).toEqual(['1', '2', '3', '4', '5', '6', '7', '8', '9']);
  });

  it('names every test of an invariant, and no other as one', () => {
    const listed = rows.flatMap(([number = '', , , tests = '']) =>
      [...tests.matchAll(/test\/[\w./-]+\.test\.ts/g)].map(([path]) => `${number} ${path}`),
    );
    expect(listed.toSorted()).toEqual([...new Set(titled)].toSorted());
  });
});

/** A heading's anchor, as GitHub makes it. */
const anchorOf = (heading: string): string =>
  heading
    .trim()
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

const anchorsOf = (text: string): readonly string[] =>
  [...text.replaceAll(/```[^]*?```/g, '').matchAll(/^#+ (.*)$/gm)].map((match) => anchorOf(match[1] ?? ''));

const brokenLinks = (path: string): readonly string[] => {
  const text = read(path).replaceAll(/```[^]*?```/g, '');
  return [...text.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^https?:/.test(link)) return [];
    const [file = '', anchor] = link.split('#');
    const target = file === '' ? path : join(dirname(path), file);
    if (!existsSync(join(root, target))) return [link];
    return anchor === undefined || anchorsOf(read(target)).includes(anchor) ? [] : [link];
  });
};

const absentFiles = (path: string): readonly string[] =>
  [...read(path).matchAll(/`((?:src|test|scripts|bin|systemd|examples)\/[\w./-]+)`/g)]
    .map(([, file = '']) => file)
    .filter((file) => !existsSync(join(root, file)));

describe('every document', () => {
  it('is found', () => {
    expect(documents).toContain('docs/COMPOSE.md');
    expect(documents.some((path) => FOREIGN.test(path))).toBe(false);
  });

  it.each(documents)('%s has links that lead somewhere, and names files that exist', (path) => {
    expect(brokenLinks(path)).toEqual([]);
    expect(absentFiles(path)).toEqual([]);
  });
});

describe('chef/supercargo/README.md', () => {
  it('has attributes with a trust file that the agent accepts', () => {
    const [, json = ''] = /```json\n([^]*?)```/.exec(read('chef/supercargo/README.md')) ?? [];
    const { supercargo } = JSON.parse(json) as { supercargo: { agent: { trust_json: object } } };
    expect(parseTrust(Buffer.from(JSON.stringify(supercargo.agent.trust_json))).kind).toBe('trust');
  });
});

describe('every folder at the top', () => {
  it.each(['src', 'test', 'scripts', 'packaging', 'systemd', 'chef', 'examples', 'docs'])(
    '%s has a README of at most 40 lines',
    (folder) => {
      const lines = read(`${folder}/README.md`).trimEnd().split('\n').length;
      expect(lines).toBeLessThanOrEqual(40);
    },
  );
});
