import type Dockerode from 'dockerode';
import { describe, expect, it } from 'vitest';
import { networkOf } from '../../../../src/adapters/docker/parse-resources.ts';

describe('what a network publishes', () => {
  const mode = 'com.docker.network.bridge.gateway_mode_ipv4';
  it.each([
    ['a bridge', { Driver: 'bridge', Options: { 'com.docker.network.bridge.name': 'br0' } }, undefined],
    ['a bridge without options', { Driver: 'bridge', Options: null }, undefined],
    ['a bridge with the gateway mode nat', { Driver: 'bridge', Options: { [mode]: 'nat' } }, undefined],
    ['a routed bridge', { Driver: 'bridge', Options: { [mode]: 'routed' } }, 'unknown'],
    ['an internal bridge', { Driver: 'bridge', Internal: true, Options: {} }, 'never'],
    ['an internal macvlan', { Driver: 'macvlan', Internal: true, Options: {} }, 'never'],
    ['a macvlan', { Driver: 'macvlan', Options: {} }, 'unknown'],
    ['the network of the host', { Driver: 'host', Options: {} }, 'unknown'],
  ])('%s', (_, info, publishes) => {
    const network = { Id: 'n1', Name: 'one', Internal: false, ...info };
    expect(networkOf(network as unknown as Dockerode.NetworkInspectInfo, 'test').publishes).toBe(publishes);
  });
});
