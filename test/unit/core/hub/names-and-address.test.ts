import { describe, expect, it } from 'vitest';
import { isLoopback, namesLoopback, parseListenAddress } from '../../../../src/core/hub/listen-address.ts';
import { environmentOfFile, hostOfFile, serialOfFile } from '../../../../src/core/hub/file-names.ts';

describe('file names of a store', () => {
  it.each([
    ['staging.json', 'staging'],
    ['a_b-1.json', 'a_b-1'],
    [`${'a'.repeat(63)}.json`, 'a'.repeat(63)],
    [`${'a'.repeat(64)}.json`, undefined],
    ['Staging.json', undefined],
    ['.json', undefined],
    ['staging', undefined],
    ['../x.json', undefined],
    ['staging.json\n', undefined],
  ])('%j is of the environment %s', (file, environment) => {
    expect(environmentOfFile(file)).toBe(environment);
  });

  it.each([
    ['web-1.example.com.json', 'web-1.example.com'],
    ['WEB_1.json', 'WEB_1'],
    [`${'a'.repeat(250)}.json`, 'a'.repeat(250)],
    [`${'a'.repeat(251)}.json`, undefined],
    ['..json', undefined],
    ['a/b.json', undefined],
    ['-a.json', undefined],
    ['a b.json', undefined],
  ])('%j is of the host %s', (file, host) => {
    expect(hostOfFile(file)).toBe(host);
  });

  it.each([
    ['1.json', 1],
    ['9007199254740991.json', Number.MAX_SAFE_INTEGER],
    ['9007199254740992.json', undefined],
    ['0.json', undefined],
    ['01.json', undefined],
    ['1e3.json', undefined],
    ['probe.json', undefined],
  ])('%j is of the serial %s', (file, serial) => {
    expect(serialOfFile(file)).toBe(serial);
  });
});

describe('an address to listen on', () => {
  it.each([
    ['127.0.0.1:8440', { host: '127.0.0.1', port: 8440 }],
    ['[::1]:8440', { host: '::1', port: 8440 }],
    [':8440', { host: undefined, port: 8440 }],
    ['hub.example.com:0', { host: 'hub.example.com', port: 0 }],
    ['8440', undefined],
    ['127.0.0.1', undefined],
    ['::1:8440', undefined],
    ['[127.0.0.1]:8440', undefined],
    ['127.0.0.1:65536', undefined],
    ['http://127.0.0.1:8440', undefined],
    ['', undefined],
  ])('%j', (text, address) => {
    expect(parseListenAddress(text)).toEqual(address);
  });

  it.each([
    ['127.0.0.1', true],
    ['127.9.9.9', true],
    ['::1', true],
    ['localhost', true],
    ['0.0.0.0', false],
    ['127.example.com', false],
    ['localhost.example.com', false],
    [undefined, false],
  ])('%j is loopback: %s', (host, expected) => {
    expect(isLoopback(host)).toBe(expected);
  });

  it.each([
    ['localhost:8440', true],
    ['[::1]:8440', true],
    ['127.0.0.1', true],
    ['evil.example.com:8440', false],
    ['127.0.0.1.evil.example.com', false],
    ['', false],
    [undefined, false],
  ])('the Host %j names this machine: %s', (header, expected) => {
    expect(namesLoopback(header)).toBe(expected);
  });
});
