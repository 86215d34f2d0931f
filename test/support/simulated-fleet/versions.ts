import { uniformOf } from '../../../src/core/hash-fraction.ts';

export const BEHAVIOURS = ['good', 'bad', 'bad-on-some', 'spoils'] as const;
/** What a version or a change of files does: `spoils` is good at first, and unhealthy after a while. */
export type Behaviour = (typeof BEHAVIOURS)[number];

export interface Release {
  readonly id: string;
  readonly digest: string;
  readonly files: string;
}

export const releaseOf = (digest: string, files: string): Release => ({
  id: `${digest}+${files}`,
  digest,
  files,
});

/** What each digest and each state of the files does, by its name: `web-3:bad`. */
export const behaviourOf = (name: string): Behaviour =>
  BEHAVIOURS.find((behaviour) => name.endsWith(`:${behaviour}`)) ?? 'good';

const isBadOn = (name: string, host: string): boolean => {
  const behaviour = behaviourOf(name);
  return behaviour === 'bad' || (behaviour === 'bad-on-some' && uniformOf(`${name}@${host}`) < 0.3);
};

export const isBadRelease = ({ digest, files }: Release, host: string): boolean =>
  isBadOn(digest, host) || isBadOn(files, host);

export const doesSpoil = ({ digest, files }: Release): boolean =>
  behaviourOf(digest) === 'spoils' || behaviourOf(files) === 'spoils';
