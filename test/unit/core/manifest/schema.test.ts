import { describe, expect, it } from 'vitest';
import { isEnvironmentName, parseManifest } from '../../../../src/core/manifest/schema.ts';
import { DIGEST, written } from './builder.ts';

const web = (entry: Record<string, unknown>) => ({ services: { web: { image: 'web:1', ...entry } } });
const rollout = (changes: Record<string, unknown>) => ({
  rollout: { startAt: '2026-11-23T11:00:00Z', durationSeconds: 60, startFraction: 0.5, ...changes },
});
const MISSING = 'is missing: add it';
const UNKNOWN = 'is not a known key: remove it, or check its spelling';

describe('a manifest', () => {
  it('is read whole', () => {
    expect(parseManifest(written())).toEqual({
      kind: 'manifest',
      manifest: {
        environment: 'staging',
        serial: 418,
        issuedAtMs: Date.parse('2026-11-23T10:00:00Z'),
        expiresAtMs: Date.parse('2026-12-23T10:00:00Z'),
        services: {
          web: {
            image: { repository: 'registry.example.com/org/web', tag: '1.2.3', digest: DIGEST },
            imageIds: { 'linux/amd64': `sha256:${'b'.repeat(64)}` },
            attempt: 2,
          },
        },
        rollout: {
          startAtMs: Date.parse('2026-11-23T11:00:00Z'),
          durationSeconds: 3600,
          startFraction: 0.05,
        },
        publisher: { name: 'jenkins', build: '1234', url: 'https://jenkins.example.com/job/1234' },
      },
    });
  });

  it('may leave out what is optional', () => {
    const document = {
      apiVersion: 'supercargo/v1',
      environment: '0-a_b',
      serial: 1,
      issuedAt: '2026-11-23T10:00:00+00:00',
      services: { 'Web.1_a-b': { image: 'nginx:1' } },
    };
    expect(parseManifest(document)).toEqual({
      kind: 'manifest',
      manifest: {
        environment: '0-a_b',
        serial: 1,
        issuedAtMs: Date.parse('2026-11-23T10:00:00Z'),
        expiresAtMs: undefined,
        services: {
          'Web.1_a-b': {
            image: { repository: 'docker.io/library/nginx', tag: '1', digest: undefined },
            imageIds: {},
            attempt: 0,
          },
        },
        rollout: undefined,
        publisher: undefined,
      },
    });
  });

  it('may publish nothing', () => {
    expect(parseManifest(written({ services: {} }))).toMatchObject({
      kind: 'manifest',
      manifest: { services: {} },
    });
  });

  it('keeps milliseconds and cuts what is finer', () => {
    expect(parseManifest(written({ issuedAt: '2026-11-23T10:00:00.1234567Z' }))).toMatchObject({
      manifest: { issuedAtMs: Date.parse('2026-11-23T10:00:00.123Z') },
    });
  });

  const serialRange = 'must be a whole number from 1 to 9007199254740991';
  const utc = 'must be a UTC time like 2026-11-23T10:00:00Z';
  const environmentRule =
    'must be 1 to 63 lower-case letters, digits, dashes and underscores, a letter or digit first';
  const serviceName =
    'must be a service name: letters, digits, dot, dash and underscore, a letter or digit first';
  const version = 'must say which version: add a tag, a digest (@sha256:…) or both';
  const image =
    'must be an image like registry.example.com/org/web:1.2.3@sha256:…, the repository in lower case';
  const fraction = 'must be a number from 0 to 1';
  it.each<[string, Record<string, unknown>, string, string]>([
    ['no apiVersion', { apiVersion: undefined }, 'apiVersion', MISSING],
    [
      'another version',
      { apiVersion: 'supercargo/v2' },
      'apiVersion',
      'must be supercargo/v1: this agent reads no other version',
    ],
    ['an unknown key', { service: {} }, 'service', UNKNOWN],
    ['an unknown key of a service', web({ ports: [] }), 'services.web.ports', UNKNOWN],
    ['an unknown key of the rollout', rollout({ end: 1 }), 'rollout.end', UNKNOWN],
    ['an unknown key of the publisher', { publisher: { mail: 'a' } }, 'publisher.mail', UNKNOWN],
    ['an unreadable key', { 'a\nb': 1 }, '["a\\nb"]', UNKNOWN],
    ['no environment', { environment: undefined }, 'environment', MISSING],
    ['an environment in upper case', { environment: 'Staging' }, 'environment', environmentRule],
    ['an environment that starts with a dash', { environment: '-a' }, 'environment', environmentRule],
    ['an environment that is too long', { environment: 'a'.repeat(64) }, 'environment', environmentRule],
    ['an environment that is a path', { environment: '../prod' }, 'environment', environmentRule],
    ['an environment with a line end', { environment: 'staging\n' }, 'environment', environmentRule],
    ['no serial', { serial: undefined }, 'serial', MISSING],
    ['serial 0', { serial: 0 }, 'serial', serialRange],
    ['a negative serial', { serial: -1 }, 'serial', serialRange],
    ['half a serial', { serial: 1.5 }, 'serial', serialRange],
    ['a serial of 2^53', { serial: 2 ** 53 }, 'serial', serialRange],
    ['a serial as text', { serial: '418' }, 'serial', serialRange],
    ['a date without time', { issuedAt: '2026-11-23' }, 'issuedAt', utc],
    ['another time zone', { issuedAt: '2026-11-23T10:00:00+01:00' }, 'issuedAt', utc],
    ['a day that no calendar has', { issuedAt: '2026-02-30T10:00:00Z' }, 'issuedAt', utc],
    ['hour 24', { issuedAt: '2026-02-20T24:00:00Z' }, 'issuedAt', utc],
    ['a time as a number', { issuedAt: 1 }, 'issuedAt', 'must be text: put it in quotes'],
    ['no issuedAt', { issuedAt: undefined }, 'issuedAt', MISSING],
    [
      'an end before the start',
      { expiresAt: '2026-11-23T10:00:00Z' },
      'expiresAt',
      'must be later than issuedAt',
    ],
    ['no services', { services: undefined }, 'services', MISSING],
    ['services as a list', { services: [] }, 'services', 'must be an object, not a list'],
    ['services that are null', { services: null }, 'services', 'must be an object of services'],
    ['a service name with a slash', { services: { 'a/b': { image: 'a:1' } } }, 'services.a/b', serviceName],
    [
      'a service name that no compose file can have',
      { services: { '-web': { image: 'a:1' } } },
      'services.-web',
      serviceName,
    ],
    ['a service that is text', { services: { web: 'web:1' } }, 'services.web', 'must be an object'],
    ['a service without image', { services: { web: {} } }, 'services.web.image', MISSING],
    ['an image without version', web({ image: 'org/web' }), 'services.web.image', version],
    ['an image in upper case', web({ image: 'Org/Web:1' }), 'services.web.image', image],
    ['an image that is none', web({ image: '' }), 'services.web.image', image],
    ['a short digest', web({ image: 'web@sha256:abc' }), 'services.web.image', image],
    [
      'a platform that is none',
      web({ imageIds: { linux: DIGEST } }),
      'services.web.imageIds.linux',
      'must be a platform like linux/amd64 or linux/arm/v7',
    ],
    [
      'an image id that is none',
      web({ imageIds: { 'linux/amd64': 'abc' } }),
      'services.web.imageIds.linux/amd64',
      'must be a config digest: sha256: and 64 lower-case hex digits',
    ],
    ['image ids as a list', web({ imageIds: [] }), 'services.web.imageIds', 'must be an object, not a list'],
    [
      'a negative attempt',
      web({ attempt: -1 }),
      'services.web.attempt',
      'must be a whole number from 0 to 9007199254740991',
    ],
    [
      'a negative duration',
      rollout({ durationSeconds: -1 }),
      'rollout.durationSeconds',
      'must be a whole number from 0 to 31622400',
    ],
    ['a fraction above 1', rollout({ startFraction: 1.01 }), 'rollout.startFraction', fraction],
    ['a fraction below 0', rollout({ startFraction: -0.01 }), 'rollout.startFraction', fraction],
    ['a rollout without start', rollout({ startAt: undefined }), 'rollout.startAt', MISSING],
    ['a build number', { publisher: { build: 1234 } }, 'publisher.build', 'must be text: put it in quotes'],
    [
      'a script as address',
      { publisher: { url: 'javascript:alert(1)' } },
      'publisher.url',
      'must be an http or https address',
    ],
  ])('is refused with %s', (_, changes, path, message) => {
    const document: unknown = JSON.parse(JSON.stringify(written(changes)));
    expect(parseManifest(document)).toEqual({ kind: 'problems', problems: [{ path, message }] });
  });

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    'is refused with a service named %s',
    (name) => {
      const document: unknown = JSON.parse(
        JSON.stringify(written({ services: { NAME: { image: 'a:1' } } })).replace('NAME', name),
      );
      expect(parseManifest(document)).toEqual({
        kind: 'problems',
        problems: [{ path: `services.${name}`, message: 'is a reserved word: choose another name' }],
      });
    },
  );

  it.each([null, 1, 'text', true])('is refused where it is %j', (document) => {
    expect(parseManifest(document)).toEqual({
      kind: 'problems',
      problems: [{ path: '', message: 'must be an object' }],
    });
  });

  it('is refused where it is nested without end', () => {
    let nest: unknown = {};
    for (let depth = 0; depth < 100; depth += 1) nest = { a: nest };
    expect(parseManifest(nest)).toEqual({
      kind: 'problems',
      problems: [{ path: '', message: 'is nested deeper than 16 levels' }],
    });
  });
});

describe('the name of an environment', () => {
  it.each([
    ['staging', true],
    ['0-a_b', true],
    ['', false],
    ['_a', false],
    ['Staging', false],
    ['a/b', false],
  ])('%j: %s', (text, expected) => {
    expect(isEnvironmentName(text)).toBe(expected);
  });
});
