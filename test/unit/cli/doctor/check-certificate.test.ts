import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { certificateChecks, checkCertificate } from '../../../../src/cli/doctor/check-certificate.ts';
import { createCertificate } from '../../../support/certificate.ts';

const DAY_MS = 86_400_000;
let folder = '';
const texts = { cert: '', key: '', other: '', otherKey: '' };
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'supercargo-doctor-'));
  const [mine, other] = [await createCertificate(folder, 'hub'), await createCertificate(folder, 'other')];
  texts.cert = await readFile(mine.cert, 'utf8');
  texts.key = await readFile(mine.key, 'utf8');
  texts.other = await readFile(other.cert, 'utf8');
  texts.otherKey = await readFile(other.key, 'utf8');
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const FAR_MS = Date.now() + 36_500 * DAY_MS;
const lineOf = (cert: string, key: string, nowMs: number): string =>
  certificateChecks({ cert, key }, 'hub.crt', nowMs)
    .map(({ result, message }) => `${result} ${message}`)
    .join('\n');

it('tells the names and the end of a certificate', () => {
  expect(lineOf(texts.cert, texts.key, Date.now() + 1000)).toMatch(
    /^ok hub\.crt for 127\.0\.0\.1, expires in \d+ d \(\d+-\d+-\d+ \d+:\d+ UTC\)$/,
  );
});

it.each<[string, () => string, RegExp]>([
  [
    'expires in 20 days',
    () => lineOf(texts.cert, texts.key, FAR_MS - 20 * DAY_MS),
    /^hint .*expires in (19|20) d/,
  ],
  [
    'expires in 23 days',
    () => lineOf(texts.cert, texts.key, FAR_MS - 23 * DAY_MS),
    /^ok .*expires in (22|23) d/,
  ],
  ['has expired', () => lineOf(texts.cert, texts.key, FAR_MS + DAY_MS), /^problem .*expired 2?\d (h|d) ago/],
  ['begins later', () => lineOf(texts.cert, texts.key, Date.now() - DAY_MS), /^problem .*not valid yet/],
  [
    'has another key',
    () => lineOf(texts.cert, texts.otherKey, Date.now()),
    /^problem .*does not fit its key/,
  ],
  [
    'is followed by one that did not sign it',
    () => lineOf(`${texts.cert}${texts.other}`, texts.key, Date.now()),
    /^problem hub\.crt: certificate 2 has not signed the one before it/,
  ],
  ['is none', () => lineOf('x', texts.key, Date.now()), /^problem hub\.crt has no certificate/],
])('a certificate that %s', (_what, line, expected) => {
  expect(line()).toMatch(expected);
});

it.each([
  [undefined, undefined, true, []],
  [undefined, undefined, false, ['hint']],
  ['hub.crt', undefined, true, ['problem']],
] as const)('with --tls-cert %s and --tls-key %s, on loopback: %s', async (cert, key, isLocal, results) => {
  expect((await checkCertificate(cert, key, isLocal)).map(({ result }) => result)).toEqual(results);
});
