import { EventEmitter } from 'node:events';
import type { Socket } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createClients, type Clients } from '../../../src/hub/http/clients.ts';

/**
 * Adds connections from these addresses, and returns them with the names of those that were closed, in order.
 */
const connectAll = (clients: Clients, addresses: readonly string[]) => {
  const closed: string[] = [];
  const sockets = addresses.map((remoteAddress, at) => {
    const socket = Object.assign(new EventEmitter(), {
      remoteAddress,
      remotePort: at,
      destroy: () => {
        closed.push(`${remoteAddress} ${String(at)}`);
        socket.emit('close');
      },
    });
    clients.add(socket as unknown as Socket);
    return socket as unknown as Socket;
  });
  return { closed, sockets };
};

describe('the connections of a hub', () => {
  it('displace the oldest of the address that has most', () => {
    const { closed } = connectAll(createClients(4), ['a', 'b', 'b', 'b', 'a', 'c', 'c']);
    expect(closed).toEqual(['b 1', 'a 0', 'b 2']);
  });

  it('count an IPv6 network as one address, and an IPv4 one as itself', () => {
    const network = ['2001:db8::1', '2001:db8:0:0:ffff::', '2001:db8:0:0:1:2:3:4'];
    const others = ['2001:db8:0:1::1', '::ffff:192.0.2.1', '::ffff:192.0.2.2'];
    const { closed } = connectAll(createClients(5), [...others, ...network]);
    expect(closed).toEqual(['2001:db8::1 3']);
  });

  it('never displace one with a token, and count it until it ends', () => {
    const clients = createClients(2);
    const { sockets } = connectAll(clients, ['a', 'a']);
    for (const socket of sockets) clients.trust(socket);
    const { closed } = connectAll(clients, ['b', 'b']);
    expect([closed, clients.open()]).toEqual([['b 0'], 3]);
    for (const socket of sockets) socket.destroy();
    expect(clients.open()).toBe(1);
    expect(sockets.some((socket) => clients.isTrusted(socket))).toBe(false);
  });
});
