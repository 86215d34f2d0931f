import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { parseDotenv } from '../../../../src/core/compose/dotenv.ts';
import { interpolate } from '../../../../src/core/compose/interpolate.ts';
import { SERVICE_KEYS } from '../../../../src/core/compose/service-keys.ts';
import { specHash } from '../../../../src/core/compose/release-spec.ts';
import { splitWords } from '../../../../src/core/compose/split-words.ts';
import { parseText, projectOf } from './parsing.ts';

const yamlish = fc.array(
  fc.constantFrom(
    'services:',
    ' ',
    '\n',
    '  ',
    'web:',
    ' image: x',
    '- ',
    '{',
    '}',
    '[',
    ']',
    '&a',
    '*a',
    '<<: ',
    ':',
    '"',
    "'",
    '|',
    '>',
    '!',
    '#',
    '$',
    '${X}',
    '?',
    '---',
    '\t',
    ',',
    '0',
    'null',
    '%YAML 1.1\n',
  ),
  { maxLength: 40 },
);

const hashOf = (text: string): string => {
  const project = projectOf(text);
  const [service] = Object.values(project.services);
  if (service === undefined) throw new Error('no service');
  return specHash(service, project);
};

const withKey = (key: string, written: unknown): string =>
  stringify({ services: { web: { image: 'x', [key]: written } } });

const shuffled = (value: object, order: readonly number[]): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(value)
      .map((entry, index) => ({ entry, rank: order[index] ?? 0 }))
      .toSorted((a, b) => a.rank - b.rank)
      .map(({ entry }) => entry),
  );

const port = fc.integer({ min: 1, max: 65_535 });
const SERVICE = {
  image: 'org/web',
  ports: ['80:8888'],
  environment: { A: '1', B: '2' },
  labels: { a: 'b' },
  restart: 'always',
  mem_limit: '64m',
  user: '1',
};

describe('parsing', () => {
  it('never throws on any text, and always says ok or why not', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      yamlish.map((parts) => parts.join('')),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const parsed = parseText(text);
        expect(parsed.kind === 'ok' || parsed.errors.length > 0).toBe(true);
      }),
      { numRuns: 1000 },
    );
  });

  it('never throws on any YAML value under any key of a service, and every error has a place and advice', () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    fc.assert(
      fc.property(fc.constantFrom(...Object.keys(SERVICE_KEYS)), value, (key, written) => {
        const parsed = parseText(withKey(key, written));
        const errors = parsed.kind === 'ok' ? [] : parsed.errors;
        expect(
          errors.filter((error) => error.line < 1 || error.advice === '' || error.message === ''),
        ).toEqual([]);
      }),
      { numRuns: 1000 },
    );
  });
});

describe('equal meaning gives an equal hash', () => {
  it('in any order of keys', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(), { minLength: 7, maxLength: 7 }), (order) => {
        const text = stringify({
          services: {
            web: shuffled({ ...SERVICE, environment: shuffled(SERVICE.environment, order) }, order),
          },
        });
        expect(hashOf(text)).toBe(hashOf(stringify({ services: { web: SERVICE } })));
      }),
    );
  });

  it('for ports in short and long form', () => {
    const one = fc.record({
      target: port,
      published: port,
      protocol: fc.constantFrom('tcp', 'udp'),
      host_ip: fc.constantFrom('127.0.0.1', '0.0.0.0'),
    });
    const several = fc.uniqueArray(one, { selector: (entry) => entry.published, maxLength: 5 });
    fc.assert(
      fc.property(several, (long) => {
        const short = long.toReversed().map((p) => `${p.host_ip}:${p.published}:${p.target}/${p.protocol}`);
        expect(hashOf(withKey('ports', short))).toBe(hashOf(withKey('ports', long)));
      }),
    );
  });

  it('for environment as map and list', () => {
    const names = fc.stringMatching(/^[A-Z_][A-Z0-9_]{0,8}$/);
    fc.assert(
      fc.property(fc.dictionary(names, fc.stringMatching(/^[ -#%-~]{0,12}$/)), (environment) => {
        const list = Object.entries(environment).map(([name, value]) => `${name}=${value}`);
        expect(hashOf(withKey('environment', list))).toBe(hashOf(withKey('environment', environment)));
      }),
    );
  });
});

describe('text forms', () => {
  it('never throw', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.constantFrom('$', '{', '}', ':', '-', '?', '+', 'A', '"', "'", '\\', '\n', '=', ' ', '#'),
        }),
        (text) => {
          expect([
            typeof interpolate(text, () => undefined).kind,
            typeof splitWords(text).kind,
            Array.isArray(parseDotenv(text, () => undefined).faults),
          ]).toEqual(['string', 'string', true]);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it('without a dollar sign are what interpolation leaves alone', () => {
    fc.assert(
      fc.property(fc.string(), (text) => {
        expect(interpolate(text.replaceAll('$', '$$$$'), () => undefined)).toEqual({ kind: 'ok', text });
      }),
    );
  });
});
