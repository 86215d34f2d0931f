import { describe, expect, it } from 'vitest';
import { refuseHistory, refuseSuccessor } from '../../../../src/core/manifest/serial.ts';

describe('the next manifest of an environment', () => {
  it.each([
    ['the first', 1, undefined, 0, true],
    ['one above the current', 8, 7, 7, true],
    ['far above', 1000, 7, 7, true],
    ['the current serial', 7, 7, 7, false],
    ['below the current', 6, 7, 7, false],
    ['above the current, but not above the history', 5, 3, 7, false],
    ['above the history of what cannot be read', 8, undefined, 7, true],
    ['in the history of what cannot be read', 7, undefined, 7, false],
    ['as far above as may be', 1_000_007, 7, 7, true],
    ['further above than one publish may go', 1_000_008, 7, 7, false],
    ['the last serial of all', Number.MAX_SAFE_INTEGER, 7, 7, false],
    ['the last serial of all, the first time', Number.MAX_SAFE_INTEGER, undefined, 0, false],
    ['a time in microseconds, the first time', 1_790_000_000_000_000, undefined, 0, true],
    ['above one that was never reached by publishing', 8, Number.MAX_SAFE_INTEGER, 7, true],
  ])('%s', (_what, serial, currentSerial, highestInHistory, expected) => {
    const refused = refuseSuccessor(serial, [currentSerial ?? 0, highestInHistory]);
    expect(refused?.status).toBe(expected ? undefined : 409);
  });
});

describe('an entry of the history', () => {
  it.each([
    ['below the current one', 3, 3, 7, true],
    ['the current one', 7, 7, 7, true],
    ['at the address of another', 4, 3, 7, false],
    ['above the current one', 8, 8, 7, false],
    ['before anything was published', 1, 1, undefined, false],
  ])('%s', (_what, addressed, serial, current, expected) => {
    const refused = refuseHistory('manifests/staging/3.json', { addressed, serial }, current);
    expect(refused?.status).toBe(expected ? undefined : 409);
  });
});
