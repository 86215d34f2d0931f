import { generateKeyPairSync } from 'node:crypto';
import type { KeyObject } from 'node:crypto';
import { seal } from '../../../../src/core/manifest/seal.ts';
import type { Trust, TrustedKey } from '../../../../src/core/manifest/manifest.ts';

export const DIGEST = `sha256:${'a'.repeat(64)}`;
export const NOW_MS = Date.parse('2026-11-23T12:00:00Z');

/** A whole manifest as it is written, with some members replaced; undefined takes one away. */
export const written = (changes: Record<string, unknown> = {}): Record<string, unknown> => ({
  apiVersion: 'supercargo/v1',
  environment: 'staging',
  serial: 418,
  issuedAt: '2026-11-23T10:00:00Z',
  expiresAt: '2026-12-23T10:00:00Z',
  services: {
    web: {
      image: `registry.example.com/org/web:1.2.3@${DIGEST}`,
      imageIds: { 'linux/amd64': `sha256:${'b'.repeat(64)}` },
      attempt: 2,
    },
  },
  rollout: { startAt: '2026-11-23T11:00:00Z', durationSeconds: 3600, startFraction: 0.05 },
  publisher: { name: 'jenkins', build: '1234', url: 'https://jenkins.example.com/job/1234' },
  ...changes,
});

export const bytesOf = (value: unknown): Buffer =>
  Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));

export interface Signer {
  readonly name: string;
  readonly privateKey: KeyObject;
  readonly pem: string;
  readonly trusted: TrustedKey;
}

export const createSigner = (name: string): Signer => {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const raw = publicKey.export({ format: 'der', type: 'spki' }).subarray(12);
  return {
    name,
    privateKey,
    pem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
    trusted: { name, publicKey: raw.toString('hex') },
  };
};

export const trustOf = (signers: readonly Signer[], changes: Partial<Trust> = {}): Trust => ({
  epoch: 1,
  threshold: 1,
  keys: signers.map(({ trusted }) => trusted),
  ...changes,
});

export const sealed = (value: unknown, ...signers: readonly Signer[]): Buffer =>
  bytesOf(
    seal(
      bytesOf(value),
      signers.map(({ privateKey }) => privateKey),
    ),
  );
