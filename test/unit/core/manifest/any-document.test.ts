import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesOf, sealed, written } from './builder.ts';
import { jenkins, PAYLOAD_SHA256, judge, bare } from './judge.ts';

describe('any document', () => {
  const documents = fc.oneof(
    fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
    fc.json().map(bytesOf),
    fc.string({ unit: 'grapheme' }).map(bytesOf),
    fc.stringMatching(/^([&*!|>%@`"'#{}[\],?:\- \n\ta-c0-9]|<<: ){0,60}$/).map(bytesOf),
    fc
      .dictionary(fc.constantFrom(...Object.keys(written()), '__proto__'), fc.jsonValue())
      .map((change) => bytesOf(written(change))),
    fc
      .record({ payload: fc.jsonValue(), payloadType: fc.jsonValue(), signatures: fc.jsonValue() })
      .map(bytesOf),
  );

  it('gives an answer, never an exception', () => {
    fc.assert(
      fc.property(documents, fc.boolean(), (document, hasTrust) => {
        expect(['accepted', 'unchanged', 'rejected']).toContain(
          judge(document, hasTrust ? {} : { trust: undefined }).kind,
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('is refused where a signed one was changed, whatever was changed', () => {
    const genuine = sealed(written(), jenkins);
    const keyid = genuine.indexOf('keyid');
    fc.assert(
      fc.property(fc.nat(genuine.length - 1), fc.integer({ min: 1, max: 255 }), (at, mask) => {
        const changed = Buffer.from(genuine);
        changed[at] = (changed[at] ?? 0) ^ mask;
        const acceptance = judge(changed);
        // The key id is a hint that decides nothing: a change there may pass, with the genuine payload.
        const payload = acceptance.kind === 'accepted' ? acceptance.accepted.payloadSha256 : PAYLOAD_SHA256;
        const isExpected = at >= keyid - 1 || acceptance.kind === 'rejected';
        expect([payload, isExpected]).toEqual([PAYLOAD_SHA256, true]);
      }),
      { numRuns: 500 },
    );
  });

  it.each([
    ['brackets', '['.repeat(100_000)],
    ['lists', '- '.repeat(20_000)],
    ['maps', '{"a":'.repeat(50_000)],
    ['flow maps', '{a: '.repeat(20_000)],
    ['keys', Array.from({ length: 20_000 }, (_, i) => `k${i}: 1`).join('\n')],
    ['quotes', `"${'\\"'.repeat(100_000)}`],
  ])('that nests or repeats %s is refused long before anybody gives up', (_, text) => {
    expect(judge(bytesOf(text)).kind).toBe('rejected');
    expect(bare(text).kind).toBe('rejected');
  });
});
