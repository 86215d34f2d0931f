import { createHash } from 'node:crypto';
import { accept } from '../../../../src/core/manifest/accept.ts';
import type { Offer } from '../../../../src/core/manifest/accept.ts';
import type { Acceptance, AcceptedManifest } from '../../../../src/core/manifest/manifest.ts';
import { parseManifest } from '../../../../src/core/manifest/schema.ts';
import { bytesOf, createSigner, NOW_MS, trustOf, written } from './builder.ts';

export const jenkins = createSigner('jenkins');
export const release = createSigner('release');
export const stranger = createSigner('stranger');
export const trust = trustOf([jenkins, release]);
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
export const PAYLOAD_SHA256 = sha256(bytesOf(written()));

export const judge = (document: Uint8Array, changes: Partial<Offer> = {}): Acceptance =>
  accept({ document, environment: 'staging', trust, watermark: undefined, nowMs: NOW_MS, ...changes });
export const bare = (value: unknown, changes: Partial<Offer> = {}) =>
  judge(bytesOf(value), { trust: undefined, ...changes });
export const acceptedOf = (acceptance: Acceptance): AcceptedManifest => {
  if (acceptance.kind === 'accepted') return acceptance.accepted;
  throw new Error(`not accepted: ${JSON.stringify(acceptance)}`);
};
export const manifestOf = (value: unknown) => {
  const parsed = parseManifest(value);
  if (parsed.kind === 'manifest') return parsed.manifest;
  throw new Error(`not valid: ${JSON.stringify(parsed)}`);
};
export const mark = (epoch: number, serial: number, payloadSha256 = 'f'.repeat(64)) => ({
  epoch,
  serial,
  payloadSha256,
});
export const withTag = written({ services: { web: { image: 'registry.example.com/org/web:1.2.3' } } });
