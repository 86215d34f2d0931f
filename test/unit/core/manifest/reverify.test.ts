import { describe, expect, it } from 'vitest';
import { reverify } from '../../../../src/core/manifest/accept.ts';
import { sealed, trustOf, written } from './builder.ts';
import { jenkins, release, stranger, trust, judge, bare, acceptedOf, manifestOf, withTag } from './judge.ts';
import type { RejectionReason } from '../../../../src/core/vocabulary/reasons.ts';

describe('verifying a kept manifest again', () => {
  const document = sealed(written(), jenkins);
  const kept = acceptedOf(judge(document));

  it('gives the manifest that was verified, whatever the ledger says it contains', () => {
    const changed = { ...kept, manifest: { ...kept.manifest, services: {} } };
    expect(reverify(changed, trust, 'staging')).toEqual({ kind: 'valid', manifest: manifestOf(written()) });
  });

  it('holds under a higher epoch and other keys, as long as enough of them signed', () => {
    expect(reverify(kept, { ...trust, epoch: 7 }, 'staging').kind).toBe('valid');
    expect(reverify(kept, trustOf([jenkins, stranger]), 'staging').kind).toBe('valid');
  });

  const bareKept = acceptedOf(bare(withTag));
  it('holds for a bare manifest as long as unsigned ones are allowed', () => {
    expect(reverify(bareKept, undefined, 'staging').kind).toBe('valid');
  });

  const other = sealed(written({ serial: 419 }), jenkins).toString('base64');
  it.each<[string, ReturnType<typeof reverify>, RejectionReason]>([
    ['its key is trusted no more', reverify(kept, trustOf([release]), 'staging'), 'signature'],
    ['more signatures are needed', reverify(kept, { ...trust, threshold: 2 }, 'staging'), 'signature'],
    ['trust was taken away', reverify(kept, undefined, 'staging'), 'signature'],
    ['it was never signed', reverify(bareKept, trust, 'staging'), 'unsigned'],
    ['the epoch went back', reverify({ ...kept, epoch: 2 }, trust, 'staging'), 'epoch'],
    ['the host has another environment now', reverify(kept, trust, 'production'), 'environment'],
    [
      'the ledger holds another signed one',
      reverify({ ...kept, documentBase64: other }, trust, 'staging'),
      'conflict',
    ],
    ['the ledger lost it', reverify({ ...kept, documentBase64: '' }, trust, 'staging'), 'empty'],
  ])('fails where %s', (_, reverification, reason) => {
    expect(reverification).toMatchObject({ kind: 'rejected', rejection: { reason } });
  });
});
