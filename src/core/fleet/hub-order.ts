import { uniformOf } from '../hash-fraction.ts';

/**
 * The addresses in the order of this host, the one it prefers first (rendezvous hashing): hosts spread evenly
 * over the hubs, and those of a dead hub evenly over the others. Another hub in the list moves only the hosts
 * that prefer it. The order is that of the origins, so that the manifest, reports and turns have the same
 * one.
 */
export const hubOrder = (host: string, addresses: readonly string[]): readonly string[] => {
  const weighed = addresses.map((address) => {
    const { origin } = new URL(address);
    return { address, weight: uniformOf(`${host} ${origin}`) };
  });
  return weighed
    .toSorted((a, b) => b.weight - a.weight || (a.address < b.address ? -1 : 1))
    .map(({ address }) => address);
};
