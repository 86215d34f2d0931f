import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { decodeBase64 } from '../../../../src/core/manifest/base64.ts';
import { decodeText, parseJson, parseJsonOrYaml, quote } from '../../../../src/core/manifest/text.ts';

describe('parseJson', () => {
  it('reads what JSON.parse reads', () => {
    fc.assert(
      fc.property(fc.json(), (json) => {
        expect(parseJson(json)).toEqual({ kind: 'value', value: JSON.parse(json) as unknown });
      }),
    );
  });

  it.each([
    ['at the top', '{"a":1,"a":2}', 'a'],
    ['in a nested object', '{"a":{"b":[{"c":1,"c":2}]}}', 'c'],
    ['after a nested object', '{"a":{"b":1},"a":2}', 'a'],
    ['written in two ways', '{"serial":1,"seri\\u0061l" : 2}', 'serial'],
    ['with quotes and braces', String.raw`{"}\"{":1,"}\"{":2}`, '}"{'],
    ['named like an inherited one', '{"__proto__":1,"__proto__":2}', '__proto__'],
  ])('refuses a repeated key %s', (_, json, key) => {
    expect(parseJson(json)).toEqual({
      kind: 'problem',
      message: `the key ${JSON.stringify(key)} appears twice`,
    });
  });

  it.each([
    ['the same key in two objects', '[{"a":1},{"a":2}]'],
    ['a key as a value', '{"a":"a","b":["a","a"]}'],
    ['a key inside a text', String.raw`{"a":"\"a\":1"}`],
  ])('accepts %s', (_, json) => {
    expect(parseJson(json)).toEqual({ kind: 'value', value: JSON.parse(json) as unknown });
  });
});

describe('parseJsonOrYaml', () => {
  it('reads YAML', () => {
    const yaml =
      'serial: 418\nissuedAt: 2026-11-23T10:00:00Z\nservices:\n  web: {image: "web:1"} # comment\n';
    expect(parseJsonOrYaml(yaml)).toEqual({
      kind: 'value',
      value: { serial: 418, issuedAt: '2026-11-23T10:00:00Z', services: { web: { image: 'web:1' } } },
    });
  });

  it.each([
    ['a repeated key', 'a: 1\na: 2\n', 'not YAML: line 2, column 1: the key "a" appears twice'],
    [
      'a key as text and as a number',
      'a:\n  1: x\n  "1": y\n',
      'not YAML: line 3, column 3: the key "1" appears twice',
    ],
    ['a list as key', '? [a]\n: 1\n', 'not YAML: line 1, column 1: a key must be text'],
    ['two documents', 'a: 1\n---\na: 2\n', /^not YAML: line 2, column 1: it holds several YAML documents$/],
    [
      'an unknown tag',
      'a: !!binary AAAA\nb: !mine 1\n',
      /^not YAML: line \d, column \d+: a value begins with "!"/,
    ],
    ['an unknown alias', 'a: *b\n', /^not YAML: .*alias/],
    ['bad indentation', 'a:\n - 1\n  b: 2\n', /^not YAML: line \d/],
    ['truncated JSON', '{"a": 1, "b', /^not JSON: /],
    ['a repeated key in JSON', '{"a":1,"a":2}', 'the key "a" appears twice'],
    [
      'plenty of aliases',
      `a: &a [1]\nb: [${'*a,'.repeat(100)}]\nc: &c [*a]`,
      /^not YAML: .*too many aliases$/,
    ],
  ])('refuses %s', (_, text, message) => {
    const parsed = parseJsonOrYaml(text);
    expect(parsed.kind === 'problem' && parsed.message).toMatch(message);
  });

  it('refuses a billion laughs', () => {
    const levels = Array.from({ length: 9 }, (_, i) => `l${i + 1}: &l${i + 1} [${`*l${i},`.repeat(9)}]`);
    expect(parseJsonOrYaml(['l0: &l0 lol', ...levels].join('\n'))).toMatchObject({ kind: 'problem' });
  });
});

describe('text', () => {
  it('is UTF-8, and loses its byte order mark', () => {
    expect(decodeText(Buffer.from('\uFEFF{"ä":1}'))).toBe('{"ä":1}');
    expect(decodeText(Buffer.from([0x22, 0xff, 0x22]))).toBeUndefined();
  });

  it('is quoted in one short line', () => {
    expect(quote('a\nb')).toBe(String.raw`"a\nb"`);
    expect(quote('x'.repeat(200))).toBe(`"${'x'.repeat(80)}…"`);
    // C1 controls steer a terminal as ESC [ does, and JSON leaves them as they are.
    expect(quote('\u009b2J\u007f\u2028')).toBe(String.raw`"\u009b2J\u007f\u2028"`);
  });
});

describe('decodeBase64', () => {
  it('reads what the standard and the url-safe encoder write, padded or not', () => {
    fc.assert(
      fc.property(fc.uint8Array(), (bytes) => {
        const buffer = Buffer.from(bytes);
        const standard = buffer.toString('base64');
        const urlSafe = standard.replaceAll('+', '-').replaceAll('/', '_');
        for (const text of [standard, standard.replace(/=+$/, ''), urlSafe, buffer.toString('base64url')]) {
          expect(decodeBase64(text)).toEqual(buffer);
        }
      }),
    );
  });

  it.each([
    ['junk', 'aGVs!bG8='],
    ['a line end', 'aGVsbG8=\n'],
    ['a space', 'aGVs bG8='],
    ['both alphabets', '+_+_'],
    ['too much padding', 'aGVsbG8=='],
    ['too little padding', 'aGVsbA='],
    ['padding alone', '='],
    ['padding inside', 'aGVs=bG8'],
    ['stray bits', 'aGVsbG9='],
    ['one character too many', 'aGVsb'],
  ])('refuses %s', (_, text) => {
    expect(decodeBase64(text)).toBeUndefined();
  });
});
