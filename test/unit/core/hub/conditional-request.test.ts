import { describe, expect, it } from 'vitest';
import {
  entityTagOf,
  isKnown,
  mayWrite,
  preferredWait,
} from '../../../../src/core/hub/conditional-request.ts';

const none = { ifMatch: undefined, ifNoneMatch: undefined };

describe('whether a write may happen', () => {
  it.each([
    ['no condition, nothing there', none, undefined, true],
    ['no condition, something there', none, '"a"', true],
    ['If-None-Match: *, nothing there', { ...none, ifNoneMatch: '*' }, undefined, true],
    ['If-None-Match: *, something there', { ...none, ifNoneMatch: '*' }, '"a"', false],
    ['If-None-Match of the same, weakly', { ...none, ifNoneMatch: 'W/"a"' }, '"a"', false],
    ['If-Match: *, nothing there', { ...none, ifMatch: '*' }, undefined, false],
    ['If-Match: *, something there', { ...none, ifMatch: '*' }, '"a"', true],
    ['If-Match of the same', { ...none, ifMatch: '"a"' }, '"a"', true],
    ['If-Match of one of several', { ...none, ifMatch: '"x", "a" ,"y"' }, '"a"', true],
    ['If-Match of another', { ...none, ifMatch: '"b"' }, '"a"', false],
    ['If-Match of the same, weakly', { ...none, ifMatch: 'W/"a"' }, '"a"', false],
    ['If-Match without quotes', { ...none, ifMatch: 'a' }, '"a"', false],
    ['If-Match that is empty', { ...none, ifMatch: '' }, '"a"', false],
    ['both, and one does not hold', { ifMatch: '"a"', ifNoneMatch: '"a"' }, '"a"', false],
  ])('%s', (_what, conditions, tag, expected) => {
    expect(mayWrite(conditions, tag)).toBe(expected);
  });
});

describe('whether a reader has it', () => {
  it.each([
    [undefined, '"a"', false],
    ['"a"', '"a"', true],
    ['*', '"a"', true],
    ['W/"a"', '"a"', true],
    ['"a"', 'W/"a"', true],
    ['"b"', '"a"', false],
    ['"a', '"a"', false],
  ])('%j against %j: %s', (ifNoneMatch, tag, expected) => {
    expect(isKnown({ ifMatch: undefined, ifNoneMatch }, tag)).toBe(expected);
  });
});

describe('how long a reader wants to wait', () => {
  it.each([
    [undefined, undefined],
    ['', undefined],
    ['wait=10', 10],
    ['wait = 10', 10],
    ['Wait="10"', 10],
    ['respond-async, wait=10', 10],
    ['wait=10; foo, bar', 10],
    ['wait=300', 300],
    ['wait=301', 300],
    ['wait=999999999', 300],
    ['wait=0', undefined],
    ['wait=-1', undefined],
    ['wait=1.5', undefined],
    ['wait=9999999999', undefined],
    ['await=10', undefined],
  ])('%j: %s', (header, seconds) => {
    expect(preferredWait(header, 300)).toBe(seconds);
  });
});

it('a tag is strong, and that of the bytes', () => {
  expect(entityTagOf(Buffer.from(''))).toBe(
    '"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"',
  );
});
