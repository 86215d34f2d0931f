import type { EpochMs } from '../time.ts';

/** A local time, stored as the epoch time at which a UTC clock shows the same time. */
export type WallMs = number;

const DAY_MS = 24 * 60 * 60 * 1000;

/** Converts between epoch time and the local time of one zone. */
export interface Zone {
  readonly wallAt: (at: EpochMs) => WallMs;
  readonly momentOf: (wall: WallMs) => EpochMs;
}

/** @throws RangeError if the zone is unknown */
export const createZone = (name: string): Zone => {
  const format = new Intl.DateTimeFormat('en-US-u-ca-gregory-nu-latn', {
    timeZone: name,
    hourCycle: 'h23',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });

  const wallAt = (at: EpochMs): WallMs => {
    const parts = new Map(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const part = (type: Intl.DateTimeFormatPartTypes): number => parts.get(type) ?? 0;
    const wall = Date.UTC(
      part('year'),
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return wall + (((at % 1000) + 1000) % 1000);
  };

  return {
    wallAt,
    /**
     * RFC 5545, section 3.3.5: a repeated local time means its first occurrence. A skipped one uses the
     * offset before the gap, so 01:30 in a skipped hour is half an hour after the gap.
     */
    momentOf: (wall) => {
      const [before, after] = [wall - DAY_MS, wall + DAY_MS].map((near) => wallAt(near) - near) as [
        number,
        number,
      ];
      const found = [wall - before, wall - after].filter((at) => wallAt(at) === wall);
      return found.length === 0 ? wall - before : Math.min(...found);
    },
  };
};
