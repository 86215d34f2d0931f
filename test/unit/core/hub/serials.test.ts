import { describe, expect, it } from 'vitest';
import { refuseHistory, refuseSuccessor } from '../../../../src/core/hub/serials.ts';

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
  ])('%s', (_what, serial, currentSerial, highestInHistory, expected) => {
    const refused = refuseSuccessor(serial, { currentSerial, highestInHistory });
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
