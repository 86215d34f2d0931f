import { expect, it } from 'vitest';
import { preflightBody } from '../../../../src/adapters/docker/run-preflight.ts';
import { createOf, releaseOf } from '../../../support/release-of.ts';

it.each([
  ['both', ['10.3.0.9', 'fd00::9'], { IPAMConfig: { IPv4Address: '10.3.0.9', IPv6Address: 'fd00::9' } }],
  ['IPv6 alone', ['fd00::9'], { IPAMConfig: { IPv6Address: 'fd00::9' } }],
  ['none', [], {}],
])('a preflight asks for the addresses that it may have: %s', (_, addresses, endpoint) => {
  const release = releaseOf(
    'networks: {back: {ipv4_address: 10.3.0.9, ipv6_address: "fd00::9", mac_address: "02:42:ac:11:65:43"}}',
    undefined,
    'networks: {back: {enable_ipv6: true, ipam: {config: [{subnet: 10.3.0.0/24}, {subnet: "fd00::/64"}]}}}',
  );
  const action = createOf(release, 'test-web-1', { networks: { back: 'test_back' } });
  const c = { apiVersion: '1.44', environment: 'test' };
  const body = preflightBody(action, { ports: [], addresses, untried: [] }, c, undefined);
  expect(body.NetworkingConfig).toEqual({ EndpointsConfig: { test_back: endpoint } });
});
