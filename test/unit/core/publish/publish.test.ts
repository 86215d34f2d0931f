import { describe, expect, it } from 'vitest';
import { parseImage } from '../../../../src/core/image/reference.ts';
import type { Manifest } from '../../../../src/core/manifest/manifest.ts';
import type { Pace } from '../../../../src/core/manifest/pace.ts';
import { parseManifest } from '../../../../src/core/manifest/schema.ts';
import {
  promoted,
  restored,
  sameVersions,
  versionsBefore,
} from '../../../../src/core/publish/choose-versions.ts';
import { diffTerms, diffVersions } from '../../../../src/core/publish/diff-manifests.ts';
import { draft, highestSerial, resolvedService, retried } from '../../../../src/core/publish/draft.ts';
import { paceOptions } from '../../../../src/core/publish/pace-text.ts';
import { renderManifest } from '../../../../src/core/publish/render-manifest.ts';
import { versionOf } from '../../../../src/core/image/image-version.ts';
import { imageFor, parseVersionRequests } from '../../../../src/core/publish/version-request.ts';
import { digestOf, manifest, START_MS } from '../../../support/world.ts';

const before = manifest({ web: 'registry.example.com/org/web:1.0.0', api: 'org/api:7' }, { serial: 417 });
const [one] = parseVersionRequests(['web=1.1.0']);
const wanted = (text: string): string => {
  const [request] = parseVersionRequests([text]);
  if (!request) throw new Error('nothing was parsed');
  const image = imageFor(request, before);
  return `${image.repository} ${image.tag ?? '-'} ${image.digest?.slice(0, 10) ?? '-'}`;
};

describe('a version on the command line', () => {
  it.each([
    ['web=1.1.0', 'registry.example.com/org/web 1.1.0 -'],
    [`web=${digestOf('x')}`, `registry.example.com/org/web - ${digestOf('x').slice(0, 10)}`],
    ['web=other.example.com/web:2', 'other.example.com/web 2 -'],
    ['new=127.0.0.1:5000/org/new:3', '127.0.0.1:5000/org/new 3 -'],
    ['api=nginx:1.29', 'docker.io/library/nginx 1.29 -'],
  ])('%s', (text, expected) => {
    expect(wanted(text)).toBe(expected);
  });

  it.each([
    ['web', /is no SERVICE=VERSION/],
    ['=1', /is no SERVICE=VERSION/],
    ['web=', /names no version/],
    ['web=registry.example.com/org/web', /does not say which version/],
    ['web=org/Case:1', /names no version/],
    ['we b=1', /is no SERVICE=VERSION/],
    ['_web=1', /is no SERVICE=VERSION/],
  ])('"%s" is refused', (text, says) => {
    expect(() => parseVersionRequests([text])).toThrow(says);
  });

  it('is wanted once, and needs its repository the first time', () => {
    expect(() => parseVersionRequests(['web=1', 'web=2'])).toThrow(/web is named twice/);
    const [request] = parseVersionRequests(['db=16']);
    expect(() => request && imageFor(request, before)).toThrow(/db was never published .*web, api/);
    expect(() => one && imageFor(one, undefined)).toThrow(/web was never published/);
  });

  it('is told as hosts tell it', () => {
    expect(versionOf(parseImage('org/web:1.2.3'))).toBe('1.2.3');
    expect(versionOf({ ...parseImage('org/web'), digest: digestOf('x') })).toBe(digestOf('x').slice(7, 19));
  });
});

const options = {
  nowMs: START_MS,
  expiresInMs: 60_000,
  rollout: { startAtMs: START_MS, durationSeconds: 3600, startFraction: 0.05 },
  freeze: { reason: 'too many failed' },
  publisher: { name: 'jenkins', build: '7', url: 'https://jenkins.example.com/7' },
};

describe('a manifest that is published', () => {
  it('is read back by hosts as it was meant', () => {
    const services = retried(before.services, ['web']);
    const meant = draft('staging', 418, services, options);
    const bytes = renderManifest(meant);
    const read = parseManifest(JSON.parse(Buffer.from(bytes).toString('utf8')));
    expect(read).toEqual({ kind: 'manifest', manifest: meant });
    expect(meant.services['web']?.attempt).toBe(1);
  });

  it('is the same bytes whatever the order of its services', () => {
    const turned: Manifest = {
      ...before,
      services: Object.fromEntries(Object.entries(before.services).toReversed()),
    };
    expect(renderManifest(turned)).toEqual(renderManifest(before));
  });

  it.each([
    ['nobody knows any', [], [], 0],
    ['the history is ahead', [410, 418], [12, null], 418],
    ['hosts are ahead of a restored store', [3], [418, null], 418],
    ['hosts are ahead of an empty store', [], [1_764_000_000], 1_764_000_000],
    ['a host claims an absurd one', [3], [418, Number.MAX_SAFE_INTEGER], 418],
    ['a host claims an absurd one to an empty store', [], [7, Number.MAX_SAFE_INTEGER], 7],
  ])('follows the highest serial that can be believed: %s', (_what, stored, told, highest) => {
    expect(highestSerial(stored, told)).toBe(highest);
  });

  it('keeps the attempt of a version that stays, and begins anew with another', () => {
    const known = { ...before.services['web'], attempt: 3 } as Manifest['services'][string];
    const same = { digest: known.image.digest ?? digestOf(''), imageIds: {} };
    expect(resolvedService(known.image, same, known).attempt).toBe(3);
    expect(resolvedService(known.image, { ...same, digest: digestOf('other') }, known).attempt).toBe(0);
    expect(() => retried(before.services, ['db'])).toThrow(/"db" is not published/);
  });
});

describe('what a publish changes', () => {
  const pace: Pace = {
    maxParallel: { percent: 10 },
    waves: [{ labels: { canary: 'true', zone: 'a' } }, { percent: 100 }],
    soakSeconds: 5400,
    haltAfter: { hosts: 1 },
    turnSeconds: 900,
  };

  it('names each member of the pace that changes', () => {
    const paced = { ...before, pace };
    expect(diffTerms(before, paced)).toEqual([
      'a pace begins: 10% of the hosts at a time; waves: canary=true,zone=a, then 100% of the hosts; ' +
        'a soak of 90 min; it halts when more than 1 host failed; ' +
        'a host with a turn is lost after 15 min of silence',
    ]);
    expect(diffTerms(paced, paced)).toEqual([]);
    expect(diffTerms(paced, { ...before, pace: { ...pace, maxParallel: { hosts: 2 } } })).toEqual([
      'the pace changes: 2 hosts at a time (before: 10% of the hosts at a time)',
    ]);
    expect(diffTerms(paced, { ...before, pace: { ...pace, soakSeconds: 0 } })).toEqual([
      'the pace changes: no soak after a wave (before: a soak of 90 min)',
      'a change that has begun keeps its waves, its soak and its limit of failures',
    ]);
    expect(diffTerms(paced, before)).toEqual([
      'the pace ends: from now on each host switches when it is ready',
    ]);
    expect(diffTerms(paced, { ...paced, urgent: { reason: 'CVE-2026-1' } })).toEqual([
      'urgent, without waves and soak: CVE-2026-1',
    ]);
  });

  it('shows the pace as options that set it', () => {
    expect(paceOptions(pace)).toBe(
      '--max-parallel 10% --waves canary=true+zone=a,100% --soak 90m --halt-after 1 --turn-time 15m',
    );
  });

  it('is told service by service', () => {
    const after = manifest({ web: 'registry.example.com/org/web:1.1.0', cache: 'org/cache:1' });
    expect(diffVersions(before, after).map((c) => [c.service, c.kind, c.from, c.to])).toEqual([
      ['api', 'removed', '7', null],
      ['cache', 'added', null, '1'],
      ['web', 'changed', '1.0.0', '1.1.0'],
    ]);
  });

  it('warns of another repository and of a tag that means something else', () => {
    const moved = manifest({ web: 'evil.example.com/web:1.0.0', api: 'org/api:7' });
    expect(diffVersions(before, moved)[1]?.note).toMatch(/another repository, evil\.example\.com\/web/);
    const api = before.services['api'];
    const pushed = { services: { api: { ...api, image: { ...api?.image, digest: digestOf('new') } } } };
    expect(diffVersions(before, pushed as Pick<Manifest, 'services'>)[0]?.note).toMatch(
      /means another image/,
    );
  });

  it('names rollout, freeze and expiry', () => {
    const frozen = draft('staging', 2, before.services, options);
    expect(diffTerms(undefined, frozen).join('\n')).toMatch(
      /no switch begins.*too many failed[\s\S]*3600 s[\s\S]*expires/,
    );
    const later = { ...before, serial: 3, issuedAtMs: options.nowMs + 60_000 };
    expect(diffTerms(frozen, later)).toEqual([
      'the rollout of serial 2 ends: hosts that were to follow later switch at once',
      'the freeze ends (too many failed)',
    ]);
    const afterwards = { ...later, issuedAtMs: options.nowMs + 7_200_000 };
    expect(diffTerms(frozen, afterwards)).toEqual(['the freeze ends (too many failed)']);
  });
});

describe('versions of before and of elsewhere', () => {
  const staging = manifest({ web: 'registry.example.com/org/web:1.1.0', job: 'org/job:1' });

  it('are promoted with the same digests, all or some, beside what is there', () => {
    const all = promoted(staging, before, []);
    expect(Object.keys(all).toSorted()).toEqual(['api', 'job', 'web']);
    expect(all['web']?.image).toEqual(staging.services['web']?.image);
    expect(Object.keys(promoted(staging, before, ['web']))).toEqual(['web', 'api']);
    expect(() => promoted(staging, before, ['db'])).toThrow(/"db" is not published/);
  });

  it.each([
    ['a', undefined],
    ['a b', 'a'],
    ['a b b', 'a'],
    ['a b c', 'b'],
    // c was gone back from, by hand or because it failed.
    ['a b c b', 'a'],
    ['a b c b a', undefined],
    ['a b a c', 'a'],
    ['a b c d c b', 'a'],
    // Published again rather than gone back to.
    ['a b c a', 'c'],
  ])('after %s are those of %s', (published, expected) => {
    const history = published
      .split(' ')
      .map((version, at) => manifest({ web: `org/web:${version}` }, { serial: at + 1 }));
    expect(versionsBefore(history.toReversed())?.services['web']?.image.tag).toBe(expected);
  });

  it.each([
    ['a b c', 'b', 'a'],
    ['a b c', 'c', 'b'],
    ['a b c d', 'b c', 'a'],
    ['a b c b', 'b', 'a'],
    ['b c', 'b', undefined],
  ])('after %s, where %s never finished, are those of %s', (published, abandoned, expected) => {
    const history = published
      .split(' ')
      .map((version, at) => manifest({ web: `org/web:${version}` }, { serial: at + 1 }));
    const digests = abandoned.split(' ').map((version) => {
      const { digest = '' } = manifest({ web: `org/web:${version}` }).services['web']?.image ?? {};
      return { entry: 'web', digest };
    });
    expect(versionsBefore(history.toReversed(), digests)?.services['web']?.image.tag).toBe(expected);
  });

  it('come back, with the attempt that they have meanwhile', () => {
    const retriedNow = { ...before, services: retried(before.services, ['web']) };
    expect(restored(before, retriedNow)['web']?.attempt).toBe(1);
    expect(sameVersions(before.services, retriedNow.services)).toBe(true);
    expect(sameVersions(before.services, staging.services)).toBe(false);
  });
});
