import { describe, expect, it } from 'vitest';
import { hubOrder } from '../../../../src/core/fleet/hub-order.ts';

const HUBS = ['https://hub-1.example.com', 'https://hub-2.example.com', 'https://hub-3.example.com'];
const HOSTS = Array.from({ length: 3000 }, (_, n) => `web-${String(n)}.example.com`);

/** How many hosts prefer each of these hubs. */
const shares = (hosts: readonly string[], hubs: readonly string[]): readonly number[] =>
  hubs.map((hub) => hosts.filter((host) => hubOrder(host, hubs)[0] === hub).length);

const originsOf = (addresses: readonly string[]) => addresses.map((a) => new URL(a).origin);

describe('the order in which a host asks its hubs', () => {
  it('spreads hosts evenly', () => {
    for (const share of shares(HOSTS, HUBS)) expect(Math.abs(share - 1000)).toBeLessThan(100);
  });

  it('spreads the hosts of a dead hub evenly over the others, and moves no other host', () => {
    const [dead = '', ...alive] = HUBS;
    const itsHosts = HOSTS.filter((host) => hubOrder(host, HUBS)[0] === dead);
    for (const share of shares(itsHosts, alive))
      expect(Math.abs(share - itsHosts.length / 2)).toBeLessThan(75);
    const others = HOSTS.filter((host) => !itsHosts.includes(host));
    expect(others.map((host) => hubOrder(host, alive)[0])).toEqual(
      others.map((host) => hubOrder(host, HUBS)[0]),
    );
  });

  it('is the same for every address of a hub, and whatever the order of the list', () => {
    for (const host of HOSTS.slice(0, 50)) {
      const order = hubOrder(host, HUBS);
      const manifests = HUBS.toReversed().map((hub) => `${hub}/manifests/staging.json`);
      expect(originsOf(hubOrder(host, manifests))).toEqual(order);
    }
  });
});
