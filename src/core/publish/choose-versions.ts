import { AgentError } from '../errors.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { quote } from '../manifest/text.ts';
import type { Services } from './draft.ts';

/**
 * Versions that pass from one environment to the next: the very digests, nothing is resolved again.
 * @throws AgentError USAGE where a service is not published in the first one.
 */
export const promoted = (
  from: Manifest,
  before: Manifest | undefined,
  names: readonly string[],
): Services => {
  const missing = names.find((name) => !from.services[name]);
  if (missing !== undefined)
    throw new AgentError('USAGE', `${quote(missing)} is not published in ${from.environment}`, {
      advice: `published there: ${Object.keys(from.services).join(', ') || 'nothing'}`,
    });
  const chosen = Object.entries(from.services)
    .filter(([name]) => names.length === 0 || names.includes(name))
    .map(([name, s]) => {
      const known = before?.services[name];
      const isSame = known?.image.digest === s.image.digest && known?.image.repository === s.image.repository;
      return [name, { ...s, attempt: isSame ? known.attempt : 0 }] as const;
    });
  return { ...before?.services, ...Object.fromEntries(chosen) };
};

/** Versions of an older manifest. A version that comes back gets a fresh try where it was given up since. */
export const restored = (older: Manifest, before: Manifest | undefined): Services =>
  Object.fromEntries(
    Object.entries(older.services).map(([name, s]) => {
      const known = before?.services[name];
      return [name, known?.image.digest === s.image.digest ? { ...s, attempt: known?.attempt ?? 0 } : s];
    }),
  );

/** Older serials, the newest first. */
export const previousSerials = (serials: readonly number[], current: number): readonly number[] =>
  serials.filter((s) => s < current).toSorted((a, b) => b - a);

/**
 * The versions before, given what was published, the newest first. Versions that were left by going back to
 * those before them are not among them: going back once more leads further back, and never to what just
 * failed. Undefined: there are none.
 */
export const versionsBefore = (published: readonly Manifest[]): Manifest | undefined => {
  const ways: Manifest[] = [];
  for (const next of published.toReversed()) {
    if (ways.at(-2) && sameVersions(ways.at(-2)?.services ?? {}, next.services)) ways.pop();
    else if (!sameVersions(ways.at(-1)?.services ?? {}, next.services)) ways.push(next);
  }
  return ways.at(-2);
};

export const sameVersions = (a: Services, b: Services): boolean => {
  const names = [...new Set([...Object.keys(a), ...Object.keys(b)])];
  return names.every(
    (name) =>
      a[name]?.image.digest === b[name]?.image.digest &&
      a[name]?.image.repository === b[name]?.image.repository,
  );
};
