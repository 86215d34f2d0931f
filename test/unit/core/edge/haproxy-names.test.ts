import { assert, property, string } from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  backendName,
  checkedBackend,
  frontendName,
  parseFrontendName,
  serverName,
} from '../../../../src/core/edge/haproxy-names.ts';

describe('names at the edge', () => {
  it('are those of people where HAProxy takes them', () => {
    expect([backendName('web', 8888), backendName('org.web_1-x', 1), serverName('0123456789abcdef')]).toEqual(
      ['web:8888', 'org.web_1-x:1', '0123456789ab'],
    );
  });

  it('are accepted and distinct for any two services', () => {
    assert(
      property(string({ minLength: 1 }), string({ minLength: 1 }), (a, b) => {
        expect(checkedBackend(backendName(a, 80))).toBe(backendName(a, 80));
        expect(backendName(a, 80) === backendName(b, 80)).toBe(a === b);
      }),
    );
  });

  it.each([
    ['', 80, 'any:80'],
    ['10.0.0.1', 8080, '10.0.0.1:8080'],
    ['fd00::1', 65_535, 'fd00::1:65535'],
  ])('of a frontend tell its place: %j port %d', (hostAddress, hostPort, name) => {
    expect(frontendName(hostAddress, hostPort)).toBe(name);
    expect(parseFrontendName(name)).toEqual({ hostAddress, hostPort });
  });

  it.each(['<HTTPCLIENT>', 'web', 'web:80', ':80', 'any:65536'])(
    'that are not ours are no place: %s',
    (name) => {
      expect(parseFrontendName(name)).toBeUndefined();
    },
  );
});
