import { createHmac } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import {
  cookieOf,
  generationOf,
  headerOfToken,
  hostToken,
  isSameToken,
  isSession,
  readGeneration,
  sessionToken,
  tokenOfHeader,
  tokenTable,
} from '../../../../src/core/hub/tokens.ts';

describe('the token of a host', () => {
  it('is the keyed hash of its environment and name', () => {
    const wanted = createHmac('sha256', 'secret')
      .update('supercargo/report/v1\nstaging\nweb-1')
      .digest('base64url');
    expect(hostToken('secret', 'staging', 'web-1')).toBe(wanted);
  });

  it('is another one for another host, environment or secret', () => {
    const tokens = [
      hostToken('a', 'staging', 'web-1'),
      hostToken('a', 'staging', 'web-2'),
      hostToken('a', 'production', 'web-1'),
      hostToken('b', 'staging', 'web-1'),
      hostToken('a', 'staging', 'web-1', 1),
      hostToken('a', 'staging', 'web-1', 12),
    ];
    expect(new Set(tokens).size).toBe(6);
  });

  it('names its generation, which is hashed with the rest', () => {
    const token = hostToken('secret', 'staging', 'web-1', 12);
    const hash = createHmac('sha256', 'secret')
      .update('supercargo/report/v2\nstaging\nweb-1\n12')
      .digest('base64url');
    expect(token).toBe(`12.${hash}`);
    expect(generationOf(token)).toBe(12);
    expect(generationOf(hostToken('secret', 'staging', 'web-1'))).toBe(0);
  });

  it.each(['', '.x', '0.x', '01.x', '-1.x', '1', '1234567.x', 'x1.x'])('%j names no generation', (token) => {
    expect(generationOf(token)).toBe(0);
  });

  it.each([
    ['0', 0],
    ['999999', 999_999],
    ['01', undefined],
    ['1000000', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['', undefined],
  ])('reads the generation %j', (text, generation) => {
    expect(readGeneration(text)).toBe(generation);
  });
});

describe('tokens', () => {
  it.each([
    ['same', 'same', true],
    ['same', 'same ', false],
    ['', 'same', false],
    ['sam', 'same', false],
  ])('%j and %j: %s', (offered, wanted, expected) => {
    expect(isSameToken(offered, wanted)).toBe(expected);
  });

  it.each([
    ['Bearer abc.def-_~+/=', 'abc.def-_~+/='],
    ['bearer  abc', 'abc'],
    [`Basic ${Buffer.from('jenkins:a:b').toString('base64')}`, 'a:b'],
    [`Basic ${Buffer.from('jenkins').toString('base64')}`, undefined],
    ['Bearer', undefined],
    ['Bearer a b', undefined],
    ['Digest abc', undefined],
    [undefined, undefined],
  ])('are read from %j', (header, token) => {
    expect(tokenOfHeader(header)).toBe(token);
  });

  it.each([
    ['abc', 'Bearer abc'],
    ['jenkins:a:b', `Basic ${Buffer.from('jenkins:a:b').toString('base64')}`],
  ])('are shown: %s', (token, header) => {
    expect(headerOfToken(token)).toBe(header);
  });
});

describe('a table of tokens', () => {
  it('finds the row of a token, and nothing for another one', () => {
    const find = tokenTable([
      ['a', 1],
      ['b', 2],
    ]);
    expect(['a', 'b', 'c', ''].map(find)).toEqual([1, 2, undefined, undefined]);
    expect(tokenTable([])('a')).toBeUndefined();
  });
});

describe('the session of a browser', () => {
  it('holds until its time is over, for the token that it was made of', () => {
    const session = sessionToken('token', 1000);
    expect(isSession(session, 'token', 999)).toBe(true);
    expect(isSession(session, 'token', 1000)).toBe(false);
    expect(isSession(session, 'other', 999)).toBe(false);
    expect(session).not.toContain('token');
  });

  it.each(['', '.', '9999', '9999.', '9999.abc', 'x9999.abc', '-1.abc'])('is not %j', (session) => {
    expect(isSession(session, 'token', 0)).toBe(false);
  });

  it('is one cookie of several', () => {
    expect(cookieOf('a=1; supercargo_session=2.x; b=3', 'supercargo_session')).toBe('2.x');
    expect(cookieOf('asupercargo_session=2', 'supercargo_session')).toBeUndefined();
    expect(cookieOf(undefined, 'a')).toBeUndefined();
  });
});
