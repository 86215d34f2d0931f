import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../../src/core/errors.ts';
import {
  isEnvelope,
  PAYLOAD_TYPE,
  preAuthenticationEncoding,
  seal,
  verifyEnvelope,
} from '../../../../src/core/manifest/seal.ts';
import type { Envelope } from '../../../../src/core/manifest/seal.ts';
import { createSigner, trustOf } from './builder.ts';

const jenkins = createSigner('jenkins');
const release = createSigner('release');
const stranger = createSigner('stranger');
const payload = Buffer.from('{"serial": 1}');
const oneOf = trustOf([jenkins, release]);
const bothOf = trustOf([jenkins, release], { threshold: 2 });
const sign = (...signers: readonly (typeof jenkins)[]): Envelope =>
  seal(
    payload,
    signers.map(({ privateKey }) => privateKey),
  );

const urlSafe = (text: string) => text.replaceAll('+', '-').replaceAll('/', '_').replace(/=+$/, '');

describe('the encoding that is signed', () => {
  it('is that of the DSSE test vector', () => {
    expect(
      preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world')).toString(),
    ).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
  });

  it('is what the signature of the DSSE test vector was made over', () => {
    const key = createPublicKey({
      format: 'jwk',
      key: {
        kty: 'EC',
        crv: 'P-256',
        x: 'Z805D3eqNZywjCI19lInBJOp7YMrCrzAH3CVTAOQ0jg',
        y: 'DHgr1U4mkSWkT0Qzr_FDLOlOErynOqZ6yAzqEmCN33Q',
      },
    });
    const published =
      'A3JqsQGtVsJ2O2xqrI5IcnXip5GToJ3F+FnZ+O88SjtR6rDAajabZKciJTfUiHqJPcIAriEGAHTVeCUjW2JIZA==';
    const message = preAuthenticationEncoding('http://example.com/HelloWorld', Buffer.from('hello world'));
    const signer = { key, dsaEncoding: 'ieee-p1363' } as const;
    expect(verify('sha256', message, signer, Buffer.from(published, 'base64'))).toBe(true);
  });

  it('counts bytes, not characters', () => {
    expect(preAuthenticationEncoding('ä', Buffer.from('ü€'))).toEqual(Buffer.from('DSSEv1 2 ä 5 ü€'));
  });

  it('is what `seal` signs', () => {
    const [signature] = sign(jenkins).signatures;
    const message = preAuthenticationEncoding(PAYLOAD_TYPE, payload);
    const bytes = Buffer.from(signature?.sig ?? '', 'base64');
    expect(verify(null, message, jenkins.pem, bytes)).toBe(true);
  });
});

describe('an envelope', () => {
  it('is verified and gives back the exact payload', () => {
    expect(verifyEnvelope(sign(jenkins), oneOf)).toEqual({
      kind: 'verified',
      payload,
      signedBy: ['jenkins'],
    });
  });

  it('may be signed by more keys than it needs, known or not', () => {
    expect(verifyEnvelope(sign(stranger, release, jenkins), bothOf)).toEqual({
      kind: 'verified',
      payload,
      signedBy: ['jenkins', 'release'],
    });
  });

  it('may be written url-safe, without padding and with members we do not know', () => {
    const envelope = sign(jenkins);
    const other = {
      ...envelope,
      payload: urlSafe(envelope.payload),
      signatures: envelope.signatures.map(({ sig }) => ({ sig: urlSafe(sig), keyid: null, cert: 'x' })),
      note: 1,
    };
    expect(verifyEnvelope(other, oneOf)).toEqual({ kind: 'verified', payload, signedBy: ['jenkins'] });
  });

  it('may hold signatures of another algorithm for somebody else', () => {
    const envelope = sign(jenkins);
    const mixed = {
      ...envelope,
      signatures: [{ sig: Buffer.alloc(256, 1).toString('base64') }, ...envelope.signatures],
    };
    expect(verifyEnvelope(mixed, oneOf)).toMatchObject({ kind: 'verified', signedBy: ['jenkins'] });
  });

  const good = sign(jenkins);
  const sig = good.signatures[0]?.sig ?? '';
  const known = '(keys known here: jenkins, release)';
  it.each<[string, unknown, typeof oneOf, string]>([
    ['no signature', { ...good, signatures: [] }, oneOf, `0 of the 1 required signatures are valid ${known}`],
    ['an unknown key', sign(stranger), oneOf, `0 of the 1 required signatures are valid ${known}`],
    ['one of two keys', good, bothOf, `1 of the 2 required signatures are valid ${known}`],
    [
      'the same signature twice',
      { ...good, signatures: [{ sig }, { sig }] },
      bothOf,
      `1 of the 2 required signatures are valid ${known}`,
    ],
    [
      'the same signature under two key ids',
      {
        ...good,
        signatures: [
          { sig, keyid: 'jenkins' },
          { sig, keyid: 'release' },
        ],
      },
      bothOf,
      `1 of the 2 required signatures are valid ${known}`,
    ],
    [
      'another payload',
      { ...good, payload: Buffer.from('{"serial": 2}').toString('base64') },
      oneOf,
      `0 of the 1 required signatures are valid ${known}`,
    ],
    [
      'a short signature',
      { ...good, signatures: [{ sig: Buffer.from(sig, 'base64').subarray(0, 63).toString('base64') }] },
      oneOf,
      `0 of the 1 required signatures are valid ${known}`,
    ],
    [
      'a longer signature',
      {
        ...good,
        signatures: [
          { sig: Buffer.concat([Buffer.from(sig, 'base64'), Buffer.from([0])]).toString('base64') },
        ],
      },
      oneOf,
      `0 of the 1 required signatures are valid ${known}`,
    ],
  ])('is refused with %s', (_, envelope, trust, message) => {
    expect(verifyEnvelope(envelope, trust)).toEqual({ kind: 'refused', reason: 'signature', message });
  });

  const shape = 'the envelope needs payload, payloadType and signatures, each with a sig';
  it.each<[string, unknown, string]>([
    [
      'another type',
      { ...good, payloadType: 'application/json' },
      `the envelope holds "application/json", not ${PAYLOAD_TYPE}`,
    ],
    [
      'junk in the payload',
      { ...good, payload: `${good.payload}\n` },
      'the payload of the envelope is not base64',
    ],
    [
      'junk in a signature',
      { ...good, signatures: [{ sig }, { sig: `${sig} ` }] },
      'a signature of the envelope is not base64',
    ],
    ['no payload', { ...good, payload: undefined }, shape],
    ['a number as signature', { ...good, signatures: [{ sig: 1 }] }, shape],
    ['no signatures', { ...good, signatures: undefined }, shape],
    ['nothing', null, shape],
  ])('is malformed with %s', (_, envelope, message) => {
    expect(verifyEnvelope(envelope, oneOf)).toEqual({ kind: 'refused', reason: 'malformed', message });
  });

  it('counts a key once even where the trust file names it twice', () => {
    const twice = trustOf([jenkins, { ...jenkins, trusted: { ...jenkins.trusted, name: 'again' } }], {
      threshold: 2,
    });
    expect(verifyEnvelope(good, twice)).toMatchObject({ kind: 'refused', reason: 'signature' });
  });

  it('is refused where any byte of its payload or signature was changed', () => {
    fc.assert(
      fc.property(
        fc.constantFrom('payload', 'sig'),
        fc.nat(),
        fc.integer({ min: 1, max: 255 }),
        (member, at, mask) => {
          const bytes = Buffer.from(member === 'payload' ? good.payload : sig, 'base64');
          const index = at % bytes.length;
          bytes[index] = (bytes[index] ?? 0) ^ mask;
          const text = bytes.toString('base64');
          const changed =
            member === 'payload' ? { ...good, payload: text } : { ...good, signatures: [{ sig: text }] };
          expect(verifyEnvelope(changed, oneOf)).toMatchObject({ kind: 'refused', reason: 'signature' });
        },
      ),
      { numRuns: 200 },
    );
  });

  it('is told from a bare manifest by its members', () => {
    expect([good, { payload: 1 }, { apiVersion: 'supercargo/v1' }, null, 'x', []].map(isEnvelope)).toEqual([
      true,
      true,
      false,
      false,
      false,
      false,
    ]);
  });
});

describe('seal', () => {
  it('refuses a key that no host would count', () => {
    const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const sealing = () => seal(payload, [privateKey]);
    expect(sealing).toThrow(AgentError);
    expect(sealing).toThrow('cannot sign with a key of type ec');
  });
});
