import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Manifest } from '../../../../src/core/manifest/manifest.ts';
import {
  amountOf,
  DEFAULT_PACE,
  type Amount,
  type Pace,
  type Wave,
} from '../../../../src/core/manifest/pace.ts';
import { parseManifest } from '../../../../src/core/manifest/schema.ts';
import { renderManifest } from '../../../../src/core/publish/render-manifest.ts';
import { manifest } from '../../../support/world.ts';
import { DIGEST, written } from './builder.ts';

const paced = (pace: unknown, changes: Record<string, unknown> = {}): unknown =>
  JSON.parse(JSON.stringify(written({ rollout: undefined, pace, ...changes })));

const readPace = (pace: unknown): Pace | undefined => {
  const read = parseManifest(paced(pace));
  return read.kind === 'manifest' ? read.manifest.pace : undefined;
};

describe('a pace', () => {
  it('has a default for each member', () => {
    expect(readPace({})).toEqual(DEFAULT_PACE);
  });

  it('is read whole', () => {
    const pace = {
      maxParallel: '10%',
      waves: [{ labels: { canary: 'true', zone: 'a' } }, { share: '12.5%' }, { share: '100%' }],
      soakSeconds: 300,
      haltAfter: '5%',
      turnSeconds: 600,
    };
    expect(readPace(pace)).toEqual({
      maxParallel: { percent: 10 },
      waves: [{ labels: { canary: 'true', zone: 'a' } }, { percent: 12.5 }, { percent: 100 }],
      soakSeconds: 300,
      haltAfter: { percent: 5 },
      turnSeconds: 600,
    });
  });

  const parallel = 'must be a number of hosts from 1 on, or a share of them like "10%" above 0%';
  const halt = 'must be a number of hosts from 0 on, or a share of them like "5%"';
  const share =
    'must be a share of the hosts like "10%", more than 0% and at most 100%, with up to two decimals';
  const waves = 'must be a list of 1 to 20 waves';
  const soak = 'must be a whole number of seconds from 0 to 2592000 (30 days)';
  const turn = 'must be a whole number of seconds from 180 (3 minutes) to 604800 (7 days)';
  const unknown = 'is not a known key: remove it, or check its spelling';
  const labels = expect.stringContaining('must be labels that a host can have (NAME=VALUE') as string;
  it.each<[string, unknown, string, string]>([
    ['a list', [], 'pace', 'must be an object, not a list'],
    ['text', 'slow', 'pace', 'must be an object'],
    ['an unknown key', { spread: 'zone' }, 'pace.spread', unknown],
    ['no host at a time', { maxParallel: 0 }, 'pace.maxParallel', parallel],
    ['0% at a time', { maxParallel: '0%' }, 'pace.maxParallel', parallel],
    ['half a host', { maxParallel: 1.5 }, 'pace.maxParallel', parallel],
    ['hosts as text', { maxParallel: '10' }, 'pace.maxParallel', parallel],
    ['more than all', { maxParallel: '100.01%' }, 'pace.maxParallel', parallel],
    ['three decimals', { haltAfter: '0.125%' }, 'pace.haltAfter', halt],
    ['fewer than no failures', { haltAfter: -1 }, 'pace.haltAfter', halt],
    ['nothing for a number', { haltAfter: null }, 'pace.haltAfter', halt],
    ['no wave', { waves: [] }, 'pace.waves', waves],
    ['21 waves', { waves: Array.from({ length: 21 }, () => ({ share: '100%' })) }, 'pace.waves', waves],
    ['waves as text', { waves: '10%' }, 'pace.waves', waves],
    ['an empty wave', { waves: [{}] }, 'pace.waves.0', 'must have either labels or a share'],
    [
      'a wave of labels and a share',
      { waves: [{ share: '10%', labels: { canary: 'true' } }] },
      'pace.waves.0',
      'must have either labels or a share',
    ],
    ['a wave of 0%', { waves: [{ share: '0%' }] }, 'pace.waves.0.share', share],
    ['a wave of a number', { waves: [{ share: '10' }] }, 'pace.waves.0.share', share],
    ['a wave without labels', { waves: [{ labels: {} }] }, 'pace.waves.0.labels', labels],
    ['a label that no host can have', { waves: [{ labels: { 'a b': 'c' } }] }, 'pace.waves.0.labels', labels],
    ['labels as a list', { waves: [{ labels: [] }] }, 'pace.waves.0.labels', 'must be an object, not a list'],
    ['a soak of 31 days', { soakSeconds: 31 * 86_400 }, 'pace.soakSeconds', soak],
    ['a soak of half a second', { soakSeconds: 0.5 }, 'pace.soakSeconds', soak],
    ['turns of 179 seconds', { turnSeconds: 179 }, 'pace.turnSeconds', turn],
    ['turns of 8 days', { turnSeconds: 8 * 86_400 }, 'pace.turnSeconds', turn],
  ])('with %s is refused', (_, pace, path, message) => {
    expect(parseManifest(paced(pace))).toEqual({ kind: 'problems', problems: [{ path, message }] });
  });

  it.each([
    ['a rollout', {}, { rollout: written()['rollout'] }, 'rollout', /cannot stand beside pace/],
    ['an image without digest', {}, { services: { web: { image: 'web:1' } } }, 'pace', /needs a digest/],
    ['an urgent change', undefined, { urgent: { reason: 'leak' } }, 'urgent', /needs a pace/],
  ])('does not go together with %s', (_, pace, changes, path, message) => {
    expect(parseManifest(paced(pace, changes))).toMatchObject({
      kind: 'problems',
      problems: [{ path, message: expect.stringMatching(message) as string }],
    });
  });

  it('may be passed over by an urgent change', () => {
    expect(parseManifest(paced({}, { urgent: { reason: 'CVE-2026-1' } }))).toMatchObject({
      manifest: { urgent: { reason: 'CVE-2026-1' } },
    });
    expect(parseManifest(paced({}, { urgent: { reason: 'a\nb' } }))).toMatchObject({
      problems: [{ path: 'urgent.reason' }],
    });
  });
});

const percent = fc.integer({ min: 1, max: 10_000 }).map((hundredths) => hundredths / 100);
const amount = (least: number): fc.Arbitrary<Amount> =>
  fc.oneof(
    fc.integer({ min: least, max: 1_000_000 }).map((hosts) => ({ hosts })),
    percent.map((value) => ({ percent: value })),
  );
const label = fc
  .stringMatching(/^[A-Za-z0-9._/-]{1,63}$/)
  .filter((name) => !(name in Object.prototype) && name !== 'prototype');
const wave: fc.Arbitrary<Wave> = fc.oneof(
  percent.map((value) => ({ percent: value })),
  fc.dictionary(label, label, { minKeys: 1, maxKeys: 32, noNullPrototype: true }).map((l) => ({ labels: l })),
);
const anyPace: fc.Arbitrary<Pace> = fc.record({
  maxParallel: amount(1),
  waves: fc.array(wave, { minLength: 1, maxLength: 20 }),
  soakSeconds: fc.integer({ min: 0, max: 30 * 86_400 }),
  haltAfter: amount(0),
  turnSeconds: fc.integer({ min: 180, max: 7 * 86_400 }),
});

describe('any pace', () => {
  it('is read back as it was written', () => {
    fc.assert(
      fc.property(anyPace, fc.option(fc.constant({ reason: 'leak' }), { nil: undefined }), (pace, urgent) => {
        const meant: Manifest = { ...manifest({ web: `org/web:1@${DIGEST}` }), pace, urgent };
        const bytes = renderManifest(meant);
        const read = parseManifest(JSON.parse(Buffer.from(bytes).toString('utf8')));
        expect(read).toEqual({ kind: 'manifest', manifest: meant });
        expect(read.kind === 'manifest' && renderManifest(read.manifest)).toEqual(bytes);
      }),
    );
  });
});

describe('a share of hosts', () => {
  it.each([
    [{ percent: 10 }, 19, 1],
    [{ percent: 0.57 }, 10_000, 57],
    [{ percent: 100 }, 7, 7],
    [{ hosts: 3 }, 2, 3],
  ])('%j of %i is %i', (share, hosts, expected) => {
    expect(amountOf(share, hosts)).toBe(expected);
  });
});
