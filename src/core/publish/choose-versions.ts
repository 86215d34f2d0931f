import { AgentError } from '../errors.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { quote } from '../manifest/text.ts';
import type { Services } from './draft.ts';

/**
 * Versions of one environment for another one, by the same digests, without a new lookup of tags.
 * @throws AgentError USAGE if a service is not published in `from`
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

/** Versions of an older manifest. An unchanged version keeps its current attempt. */
export const restored = (older: Manifest, before: Manifest | undefined): Services =>
  Object.fromEntries(
    Object.entries(older.services).map(([name, s]) => {
      const known = before?.services[name];
      return [name, known?.image.digest === s.image.digest ? { ...s, attempt: known?.attempt ?? 0 } : s];
    }),
  );

/** Lower serials, the highest first. */
export const previousSerials = (serials: readonly number[], current: number): readonly number[] =>
  serials.filter((s) => s < current).toSorted((a, b) => b - a);

/** A version that was overtaken before it had finished on the fleet. */
export interface Abandoned {
  readonly entry: string;
  readonly digest: string;
}

/** Whether going back to these versions would bring one that never finished on the fleet. */
export const isAbandoned = (
  { services }: Manifest,
  current: Manifest,
  abandoned: readonly Abandoned[],
): boolean =>
  abandoned.some(({ entry, digest }) => {
    const is = services[entry]?.image.digest;
    return is === digest && is !== current.services[entry]?.image.digest;
  });

/**
 * The versions before the current ones; undefined if there are none. `published` is newest first. Versions
 * that an earlier rollback left are skipped: a second rollback goes further back, never to what just failed.
 * Versions that never finished on the fleet are skipped too.
 */
export const versionsBefore = (
  published: readonly Manifest[],
  abandoned: readonly Abandoned[] = [],
): Manifest | undefined => {
  const ways: Manifest[] = [];
  const [current] = published;
  const ran = published.filter((m) => current && (m === current || !isAbandoned(m, current, abandoned)));
  for (const next of ran.toReversed()) {
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
