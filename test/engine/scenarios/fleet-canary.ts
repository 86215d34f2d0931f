import { rolloutPosition } from '../../../src/core/manifest/rollout.ts';

/** A starting share, in percent, that lets in exactly one of these hosts. */
export const canaryFraction = (environment: string, serial: number, hosts: readonly string[]): string => {
  const [first = 0, second = 1] = hosts
    .map((host) => rolloutPosition({ environment, serial, host }))
    .toSorted((a, b) => a - b);
  return (((first + second) / 2) * 100).toFixed(4);
};
