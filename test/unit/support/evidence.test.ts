import { describe, expect, it } from 'vitest';
import {
  lastWhole,
  longestGap,
  mostTurns,
  newEvidence,
  reusedSerials,
  serialsGoingBack,
} from '../../support/fault-fleet/evidence.ts';

const environment = 'shop';
const seen = (host: string, ...serials: readonly number[]) =>
  serials.map((serial) => ({ environment, host, serial, atMs: 0 }));
const published = (serial: number, image: string) => ({
  publisher: image,
  environment,
  serial,
  image,
  atMs: 0,
});
const turn = (host: string, fromMs: number, toMs: number) => ({ host, serial: 1, fromMs, toMs });
const reported = (host: string, seq: number, isWhole: boolean) => ({
  environment,
  host,
  seq,
  isWhole,
  atMs: 0,
});

describe('the evidence of a fault fleet', () => {
  it('shows a serial that two publishes were given', () => {
    const publishes = [published(1, 'a'), published(2, 'b'), published(2, 'c')];
    expect(reusedSerials({ ...newEvidence(), publishes })).toEqual(['shop 2: b and c']);
  });

  it('shows a host that was handed an older serial, and no other one', () => {
    const reads = [...seen('web-1', 1, 3, 3), ...seen('web-2', 1, 3, 2, 3)];
    expect(serialsGoingBack({ ...newEvidence(), reads })).toEqual(['shop web-2: 2 after 3']);
  });

  it('shows the most turns at one moment; one that ends as another begins is not beside it', () => {
    const turns = [turn('web-1', 0, 5), turn('web-2', 5, 9), turn('web-3', 8, Infinity)];
    expect(mostTurns({ ...newEvidence(), turns }).map(({ host }) => host)).toEqual(['web-2', 'web-3']);
  });

  it('knows the last whole report of each host', () => {
    const reports = [reported('web-1', 1, true), reported('web-1', 2, true), reported('web-1', 3, false)];
    expect(lastWhole({ ...newEvidence(), reports }, environment)).toEqual(new Map([['web-1', 2]]));
  });

  it('measures a gap from the last answer before an event to the first one after it', () => {
    expect(longestGap([10, 20, 60, 70], 25, 65)).toBe(40);
    expect(longestGap([10, 20], 15, 90)).toBe(70);
  });
});
