import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { accept, reverify } from '../../src/core/manifest/accept.ts';
import type { Acceptance, AcceptedManifest, Watermark } from '../../src/core/manifest/manifest.ts';
import { mostParallel } from '../../src/core/manifest/pace.ts';
import { parseTrust } from '../../src/core/manifest/trust.ts';
import { createSigner, DIGEST, NOW_MS, sealed, trustOf, written } from '../unit/core/manifest/builder.ts';
import { fuzz, PATIENCE_MS } from './cases.ts';
import { mangled, mutated, mutatedJson } from './mutate.ts';

const ENVIRONMENT = 'staging';
const WATERMARK: Watermark = { epoch: 0, serial: 400, payloadSha256: 'f'.repeat(64) };
const jenkins = createSigner('jenkins');
const release = createSigner('release');
const stranger = createSigner('stranger');

const valid = fc.constantFrom<unknown>(
  written(),
  written({ services: {}, rollout: undefined, publisher: undefined, expiresAt: undefined }),
  written({ serial: Number.MAX_SAFE_INTEGER, freeze: { reason: 'on failure' } }),
  written({
    services: {
      web: { image: 'org/web:1' },
      api: { image: `localhost:5000/api@${DIGEST}`, attempt: 0 },
    },
  }),
  written({
    rollout: undefined,
    pace: {
      maxParallel: '10%',
      waves: [{ labels: { canary: 'true' } }, { share: '12.5%' }],
      soakSeconds: 300,
      haltAfter: 0,
      turnSeconds: 900,
    },
    urgent: { reason: 'CVE-2026-1' },
  }),
);

/** The rules of docs/DOCUMENTS.md, "How a manifest is accepted", said once more and otherwise. */
const expectRules = ({ manifest, documentBase64, payloadSha256, acceptedAtMs }: AcceptedManifest): void => {
  expect(manifest.environment).toBe(ENVIRONMENT);
  expect(Number.isSafeInteger(manifest.serial) && manifest.serial > WATERMARK.serial).toBe(true);
  expect(Number.isSafeInteger(manifest.issuedAtMs)).toBe(true);
  if (manifest.expiresAtMs !== undefined) {
    expect(manifest.expiresAtMs).toBeGreaterThan(acceptedAtMs);
    expect(manifest.expiresAtMs).toBeGreaterThan(manifest.issuedAtMs);
  }
  for (const [name, { image, imageIds, attempt }] of Object.entries(manifest.services)) {
    expect(name).toMatch(/^[A-Za-z0-9][\w.-]*$/);
    expect(name in Object.prototype).toBe(false);
    expect(image.repository).toMatch(/^[^/\s]+\/[a-z0-9/._-]+$/);
    expect(image.tag !== undefined || image.digest !== undefined).toBe(true);
    expect(image.tag ?? 'latest').toMatch(/^\w[\w.-]{0,127}$/);
    expect(image.digest ?? DIGEST).toMatch(/^sha256:[0-9a-f]{64}$/);
    for (const id of Object.values(imageIds)) expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
    expect(Number.isSafeInteger(attempt) && attempt >= 0).toBe(true);
  }
  const { rollout, pace, urgent } = manifest;
  if (pace) {
    expect(rollout).toBeUndefined();
    for (const { image } of Object.values(manifest.services)) expect(image.digest).toBeDefined();
    expect(pace.waves.length >= 1 && pace.waves.length <= 20).toBe(true);
    expect(pace.soakSeconds >= 0 && pace.soakSeconds <= 2_592_000).toBe(true);
    expect(pace.turnSeconds >= 60 && pace.turnSeconds <= 604_800).toBe(true);
    expect(mostParallel(pace, 0)).toBeGreaterThan(0);
    for (const share of [pace.maxParallel, pace.haltAfter, ...pace.waves])
      if ('percent' in share) expect(share.percent >= 0 && share.percent <= 100).toBe(true);
  }
  expect(urgent === undefined || pace !== undefined).toBe(true);
  if (rollout) {
    expect(rollout.startFraction >= 0 && rollout.startFraction <= 1).toBe(true);
    expect(Number.isSafeInteger(rollout.durationSeconds) && rollout.durationSeconds >= 0).toBe(true);
    expect(Number.isFinite(rollout.startAtMs)).toBe(true);
  }
  expect(Buffer.from(documentBase64, 'base64').length).toBeLessThanOrEqual(256 * 1024);
  expect(payloadSha256).toMatch(/^[0-9a-f]{64}$/);
  // It is shown and kept as text.
  for (const time of [manifest.issuedAtMs, manifest.expiresAtMs ?? 0, rollout?.startAtMs ?? 0])
    expect(() => new Date(time).toISOString()).not.toThrow();
};

const expectTold = (acceptance: Acceptance): void => {
  if (acceptance.kind !== 'rejected') return;
  const { message, advice } = acceptance.rejection;
  expect([message, advice]).toEqual([expect.stringMatching(/\w/), expect.stringMatching(/\w/)]);
  // Shown on terminals and in one line of a log.
  expect(message).not.toMatch(/\p{Cc}/u);
  expect(message.length).toBeLessThan(1_500);
};

describe('any manifest', () => {
  const yaml = mutated(valid).map((value) => stringify(value ?? null));
  const documents = fc.oneof(
    { arbitrary: mutatedJson(valid), weight: 3 },
    { arbitrary: mangled(yaml), weight: 1 },
    { arbitrary: yaml.map((text) => Buffer.from(text)), weight: 1 },
  );

  it(
    'is refused in clear words, or keeps every rule, whoever wrote it',
    () => {
      fuzz(documents, (document) => {
        const offer = {
          document,
          environment: ENVIRONMENT,
          trust: undefined,
          watermark: WATERMARK,
          nowMs: NOW_MS,
        };
        const acceptance = accept(offer);
        expectTold(acceptance);
        if (acceptance.kind !== 'accepted') return;
        expectRules(acceptance.accepted);
        expect(acceptance.accepted.signed).toBe(false);
        // What was accepted is still so when the ledger is read.
        const kept = JSON.parse(JSON.stringify(acceptance.accepted)) as AcceptedManifest;
        expect(reverify(kept, undefined, ENVIRONMENT).kind).toBe('valid');
      });
    },
    PATIENCE_MS,
  );
});

describe('any envelope', () => {
  const trust = trustOf([jenkins, release], { threshold: 2, epoch: 3 });
  const genuine = [written(), written({ serial: 500 }), written({ environment: 'production' })];
  const payloads = new Set(
    genuine.map((document) => createHash('sha256').update(JSON.stringify(document)).digest('hex')),
  );
  const envelopes = fc
    .tuple(
      fc.constantFrom(...genuine),
      fc.constantFrom([jenkins, release], [jenkins, release, stranger], [jenkins], [stranger, stranger], []),
    )
    .map(([document, signers]) => JSON.parse(sealed(document, ...signers).toString()) as unknown);
  // A signature of one document under another, and both at once.
  const crossed = fc.tuple(envelopes, envelopes).map(([one, other]) => ({
    ...(one as object),
    signatures: [
      ...(one as { signatures: unknown[] }).signatures,
      ...(other as { signatures: unknown[] }).signatures,
    ],
  }));

  it(
    'is accepted only where enough trusted keys have signed this very payload',
    () => {
      fuzz(mutatedJson(fc.oneof(envelopes, crossed)), (document) => {
        const acceptance = accept({
          document,
          environment: ENVIRONMENT,
          trust,
          watermark: { ...WATERMARK, epoch: 3 },
          nowMs: NOW_MS,
        });
        expectTold(acceptance);
        if (acceptance.kind !== 'accepted') return;
        expectRules(acceptance.accepted);
        const { manifest, payloadSha256, epoch, signed } = acceptance.accepted;
        expect({ isGenuine: payloads.has(payloadSha256), epoch, signed }).toEqual({
          isGenuine: true,
          epoch: 3,
          signed: true,
        });
        expect(Object.values(manifest.services).every((s) => s.image.digest !== undefined)).toBe(true);
      });
    },
    PATIENCE_MS,
  );
});

describe('any trust file', () => {
  const key = ({ name, pem }: typeof jenkins): object => ({ name, publicKey: pem });
  const files = fc.constantFrom<unknown>(
    { epoch: 1, threshold: 1, keys: [key(jenkins)] },
    { epoch: 7, threshold: 2, keys: [key(jenkins), key(release), key(stranger)] },
  );

  it(
    'is refused in clear words, or can be met by its own keys',
    () => {
      fuzz(mutatedJson(files), (bytes) => {
        const parsed = parseTrust(bytes);
        const told = parsed.kind === 'problems' ? parsed.problems : [];
        expect(told.filter(({ message }) => !/\w/.test(message))).toEqual([]);
        if (parsed.kind === 'problems') return;
        const { epoch, threshold, keys } = parsed.trust;
        expect(Number.isSafeInteger(epoch) && epoch >= 1).toBe(true);
        expect(Number.isSafeInteger(threshold) && threshold >= 1).toBe(true);
        const unique = new Set(keys.map((k) => k.publicKey));
        expect(unique.size).toBeGreaterThanOrEqual(threshold);
        expect(unique.size).toBe(keys.length);
        for (const id of unique) expect(id).toMatch(/^[0-9a-f]{64}$/);
      });
    },
    PATIENCE_MS,
  );
});
