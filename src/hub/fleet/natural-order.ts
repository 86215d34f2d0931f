import { naturalKey } from '../../core/natural-order.ts';

interface Named {
  readonly host: string;
}

interface Keyed {
  readonly host: string;
  readonly key: string;
}

/** Merges two sorted lists. */
const merge = (a: readonly Keyed[], b: readonly Keyed[]): readonly Keyed[] => {
  const merged: Keyed[] = [];
  let at = 0;
  for (const item of b) {
    for (let next = a[at]; next !== undefined && next.key < item.key; next = a[at]) {
      merged.push(next);
      at += 1;
    }
    merged.push(item);
  }
  return [...merged, ...a.slice(at)];
};

/**
 * Keeps the hosts of an environment in natural order. To sort 100,000 names takes a second, and a fleet
 * rarely gets or loses a host.
 */
export const createNaturalOrder = () => {
  let sorted: readonly Keyed[] = [];
  /** As they came last, and the place in that list of each host in natural order. */
  let names: readonly string[] = [];
  let places: readonly number[] = [];
  const sort = (hosts: readonly Named[]): void => {
    names = hosts.map(({ host }) => host);
    const placeOf = new Map(names.map((host, at) => [host, at]));
    const known = new Set(sorted.map(({ host }) => host));
    const added = names.filter((host) => !known.has(host)).map((host) => ({ host, key: naturalKey(host) }));
    sorted = merge(
      sorted.filter(({ host }) => placeOf.has(host)),
      added.toSorted((a, b) => (a.key < b.key ? -1 : 1)),
    );
    places = sorted.map(({ host }) => placeOf.get(host) ?? 0);
  };
  return <H extends Named>(hosts: readonly H[]): readonly H[] => {
    const isSame = hosts.length === names.length && hosts.every(({ host }, at) => host === names[at]);
    if (!isSame) sort(hosts);
    return places.flatMap((place) => hosts[place] ?? []);
  };
};
