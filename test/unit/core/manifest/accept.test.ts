import { describe, expect, it } from 'vitest';
import { DOCUMENT_CAP_BYTES, isExpired, watermarkOf } from '../../../../src/core/manifest/accept.ts';
import type { Acceptance } from '../../../../src/core/manifest/manifest.ts';
import { bytesOf, NOW_MS, sealed, written } from './builder.ts';
import {
  jenkins,
  release,
  stranger,
  trust,
  PAYLOAD_SHA256,
  judge,
  bare,
  acceptedOf,
  manifestOf,
  mark,
  withTag,
} from './judge.ts';
import type { RejectionReason } from '../../../../src/core/vocabulary/reasons.ts';

describe('accepting', () => {
  it('takes a signed manifest and keeps what verifies it again', () => {
    const document = sealed(written(), jenkins);
    expect(judge(document)).toEqual({
      kind: 'accepted',
      accepted: {
        epoch: 1,
        manifest: manifestOf(written()),
        payloadSha256: PAYLOAD_SHA256,
        documentBase64: document.toString('base64'),
        signed: true,
        acceptedAtMs: NOW_MS,
      },
    });
  });

  it('takes a bare manifest without trust, in epoch 0', () => {
    expect(bare(written())).toEqual({
      kind: 'accepted',
      accepted: {
        epoch: 0,
        manifest: manifestOf(written()),
        payloadSha256: PAYLOAD_SHA256,
        documentBase64: bytesOf(written()).toString('base64'),
        signed: false,
        acceptedAtMs: NOW_MS,
      },
    });
  });

  it('takes a bare manifest in YAML, and with tags only', () => {
    const yaml = `apiVersion: supercargo/v1
environment: staging
serial: 418
issuedAt: 2026-11-23T10:00:00Z
services:
  web: { image: "registry.example.com/org/web:1.2.3" }
`;
    const expected = manifestOf({
      ...withTag,
      expiresAt: undefined,
      rollout: undefined,
      publisher: undefined,
    });
    expect(acceptedOf(bare(yaml)).manifest).toEqual(expected);
  });

  it.each([
    ['a higher serial', 1, mark(1, 417)],
    ['a higher epoch with a lower serial', 2, mark(1, 9000)],
    ['a higher epoch with the same serial and other content', 2, mark(1, 418)],
    ['trust where there was none', 1, mark(0, 9000)],
  ])('takes %s', (_, epoch, watermark) => {
    const acceptance = judge(sealed(written(), jenkins), { trust: { ...trust, epoch }, watermark });
    expect(watermarkOf(acceptedOf(acceptance))).toEqual(mark(epoch, 418, PAYLOAD_SHA256));
  });

  it('sees that nothing changed, and hands back the document with the signature it gained', () => {
    const document = sealed(written(), jenkins, release);
    expect(judge(document, { watermark: mark(1, 418, PAYLOAD_SHA256) })).toEqual({
      kind: 'unchanged',
      documentBase64: document.toString('base64'),
    });
  });

  it('leaves the expiry of an unchanged manifest to its own check', () => {
    const nowMs = Date.parse('2027-01-01T00:00:00Z');
    const acceptance = judge(sealed(written(), jenkins), { watermark: mark(1, 418, PAYLOAD_SHA256), nowMs });
    expect(acceptance.kind).toBe('unchanged');
    expect(isExpired(manifestOf(written()), nowMs)).toBe(true);
  });

  it('takes a document of exactly the cap and refuses one byte more', () => {
    const text = JSON.stringify(written());
    const padded = (length: number) => text + ' '.repeat(length - text.length);
    expect(bare(padded(DOCUMENT_CAP_BYTES)).kind).toBe('accepted');
    expect(bare(padded(DOCUMENT_CAP_BYTES + 1))).toMatchObject({
      kind: 'rejected',
      rejection: { reason: 'too-large' },
    });
  });
});

describe('an expiry', () => {
  it.each([
    ['one millisecond before', Date.parse('2026-12-23T10:00:00Z') - 1, false],
    ['at the time', Date.parse('2026-12-23T10:00:00Z'), true],
  ])('counts from the time on: %s', (_, nowMs, expected) => {
    expect(isExpired(manifestOf(written()), nowMs)).toBe(expected);
  });

  it('may be absent', () => {
    expect(isExpired(manifestOf(written({ expiresAt: undefined })), Number.MAX_SAFE_INTEGER)).toBe(false);
  });
});

const long = written({ environment: undefined, apiVersion: 'v1', issuedAt: 1, expiresAt: 2 });
/** Each row has one fault; the reason, the message's heart and the serial where it could be read. */
const REJECTIONS: readonly [string, Acceptance, RejectionReason, string, number | undefined][] = [
  [
    'too large',
    judge(Buffer.alloc(DOCUMENT_CAP_BYTES + 1, ' ')),
    'too-large',
    'larger than 262144 bytes',
    undefined,
  ],
  ['empty', judge(Buffer.alloc(0)), 'empty', 'the document is empty', undefined],
  ['blank', judge(bytesOf(' \n\t')), 'empty', 'the document is empty', undefined],
  ['only a byte order mark', judge(bytesOf('\uFEFF')), 'empty', 'the document is empty', undefined],
  ['not text', judge(Buffer.from([0xff, 0xfe])), 'malformed', 'not UTF-8', undefined],
  ['a web page', judge(bytesOf('<html>')), 'malformed', 'not a signed manifest: not JSON', undefined],
  [
    'a truncated envelope',
    judge(sealed(written(), jenkins).subarray(0, 300)),
    'malformed',
    'not JSON',
    undefined,
  ],
  [
    'an envelope with a repeated key',
    judge(bytesOf('{"payload":"","payload":""}')),
    'malformed',
    'appears twice',
    undefined,
  ],
  [
    'an envelope of another type',
    judge(bytesOf({ payload: '', payloadType: 'x', signatures: [] })),
    'malformed',
    'holds "x"',
    undefined,
  ],
  [
    'a truncated bare manifest',
    bare(JSON.stringify(written()).slice(0, -9)),
    'malformed',
    'not JSON',
    undefined,
  ],
  [
    'a bare web page',
    bare('<html><body>it: works: really</body>'),
    'malformed',
    'not YAML: line 1',
    undefined,
  ],
  [
    'a signed payload that is no JSON',
    judge(sealed('serial: 1', jenkins)),
    'malformed',
    'cannot be read: not JSON',
    undefined,
  ],
  [
    'a bare manifest though there is trust',
    judge(bytesOf(written())),
    'unsigned',
    'is not signed',
    undefined,
  ],
  [
    'a bare YAML manifest though there is trust',
    judge(bytesOf('apiVersion: supercargo/v1\n')),
    'unsigned',
    'is not signed',
    undefined,
  ],
  ['null', judge(bytesOf('null')), 'unsigned', 'is not signed', undefined],
  [
    'a foreign signature',
    judge(sealed(written(), stranger)),
    'signature',
    '0 of the 1 required signatures',
    undefined,
  ],
  [
    'too few signatures',
    judge(sealed(written(), jenkins, jenkins), { trust: { ...trust, threshold: 2 } }),
    'signature',
    '1 of the 2',
    undefined,
  ],
  [
    'an envelope without trust',
    bare(sealed(written(), jenkins).toString()),
    'signature',
    'no trust file',
    undefined,
  ],
  ['an unknown key', judge(sealed(written({ x: 1 }), jenkins)), 'schema', 'x is not a known key', 418],
  ['many faults', judge(sealed(long, jenkins)), 'schema', '; and 1 more', 418],
  ['an empty object', bare('{}'), 'schema', 'apiVersion is missing', undefined],
  ['bare text', bare('hello'), 'schema', 'the document must be an object', undefined],
  [
    'another environment',
    judge(sealed(written(), jenkins), { environment: 'production' }),
    'environment',
    'for "staging", this host is "production"',
    418,
  ],
  [
    'an older serial',
    judge(sealed(written(), jenkins), { watermark: mark(1, 419) }),
    'older',
    'serial 418 is older than 419',
    418,
  ],
  [
    'an older serial, where only the serial is known after a recover',
    judge(sealed(written(), jenkins), { watermark: { epoch: 1, serial: 419, payloadSha256: undefined } }),
    'older',
    'serial 418 is older than 419',
    418,
  ],
  [
    'the same serial with other content',
    judge(sealed(written(), jenkins), { watermark: mark(1, 418) }),
    'conflict',
    'serial 418 was accepted with other content',
    418,
  ],
  [
    'the same content in other bytes',
    judge(sealed(`${JSON.stringify(written())} `, jenkins), { watermark: mark(1, 418, PAYLOAD_SHA256) }),
    'conflict',
    'serial 418',
    418,
  ],
  [
    'an older epoch',
    judge(sealed(written(), jenkins), { watermark: mark(2, 1) }),
    'epoch',
    'has epoch 1, this host has accepted epoch 2',
    418,
  ],
  [
    'trust that was taken away',
    bare(written(), { watermark: mark(1, 1) }),
    'epoch',
    'now has no trust file',
    418,
  ],
  [
    'an expired manifest',
    judge(sealed(written(), jenkins), { nowMs: Date.parse('2026-12-23T10:00:00Z') }),
    'expired',
    'expired at 2026-12-23T10:00:00Z, and this host’s clock shows 2026-12-23T10:00:00Z',
    418,
  ],
  [
    'a signed manifest without digest',
    judge(sealed(withTag, jenkins)),
    'digest-missing',
    'no digest for web',
    418,
  ],
];

describe('rejecting', () => {
  it.each(REJECTIONS)(
    'says what is wrong with %s, and what to do',
    (_, acceptance, reason, message, serial) => {
      expect(acceptance).toEqual({
        kind: 'rejected',
        rejection: {
          reason,
          message: expect.stringContaining(message) as string,
          advice: expect.stringMatching(/^\w.{20,}/) as string,
          serial,
        },
      });
    },
  );

  it('knows every reason of the table', () => {
    const reasons: Record<RejectionReason, true> = {
      'too-large': true,
      empty: true,
      malformed: true,
      unsigned: true,
      signature: true,
      schema: true,
      environment: true,
      older: true,
      conflict: true,
      expired: true,
      'digest-missing': true,
      epoch: true,
    };
    expect(new Set(REJECTIONS.map(([, , reason]) => reason))).toEqual(new Set(Object.keys(reasons)));
  });

  const expired = { expiresAt: '2026-11-23T11:00:00Z' };
  it.each<[string, Acceptance, RejectionReason]>([
    [
      'size before signatures',
      judge(Buffer.concat([sealed(written(), stranger), Buffer.alloc(DOCUMENT_CAP_BYTES, ' ')])),
      'too-large',
    ],
    ['signatures before content', judge(sealed({ nothing: 1 }, stranger)), 'signature'],
    ['content before environment', judge(sealed(written({ environment: 'other', x: 1 }), jenkins)), 'schema'],
    [
      'environment before serial',
      judge(sealed(written({ environment: 'other' }), jenkins), { watermark: mark(1, 500) }),
      'environment',
    ],
    ['epoch before serial', judge(sealed(written(), jenkins), { watermark: mark(2, 500) }), 'epoch'],
    ['serial before expiry', judge(sealed(written(expired), jenkins), { watermark: mark(1, 500) }), 'older'],
    [
      'other content before expiry',
      judge(sealed(written(expired), jenkins), { watermark: mark(1, 418) }),
      'conflict',
    ],
    ['expiry before digests', judge(sealed({ ...withTag, ...expired }, jenkins)), 'expired'],
  ])('follows the order of the design: %s', (_, acceptance, reason) => {
    expect(acceptance).toMatchObject({ kind: 'rejected', rejection: { reason } });
  });
});
