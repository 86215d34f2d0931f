import type { Socket } from 'node:net';

/** Which connections stay when there are too many. */
export interface Clients {
  /** Takes every new TCP connection. */
  readonly add: (socket: Socket) => void;
  /** For a socket with a valid token: its connection is never closed for the sake of others. */
  readonly trust: (socket: Socket) => void;
  readonly isTrusted: (socket: Socket) => boolean;
  readonly open: () => number;
}

/** Also that of a TLS socket, which is another object than its TCP connection. */
const nameOf = ({ remoteAddress, remotePort }: Socket): string =>
  `${remoteAddress ?? ''} ${String(remotePort)}`;

/** An IPv6 network of 64 bits belongs to one customer, who has all its addresses. */
const originOf = (address = ''): string => {
  if (!address.includes(':') || address.includes('.')) return address;
  const [head = '', tail = ''] = address.split('::');
  const [first, last] = [head, tail].map((part) => (part === '' ? [] : part.split(':')));
  const zeros = Array.from({ length: 8 - (first?.length ?? 0) - (last?.length ?? 0) }, () => '0');
  return [...(first ?? []), ...zeros, ...(last ?? [])].slice(0, 4).join(':');
};

const largest = (origins: ReadonlyMap<string, ReadonlySet<Socket>>): ReadonlySet<Socket> =>
  [...origins.values()].reduce(
    (most, sockets) => (sockets.size > most.size ? sockets : most),
    new Set<Socket>(),
  );

/**
 * Above `most` connections, each new one takes the place of the oldest without a token, of the address that
 * has most of those: a flood displaces itself. Clients behind one proxy share an address, so there is no
 * fixed number for each.
 */
export const createClients = (most: number): Clients => {
  const trusted = new Set<string>();
  const strangers = new Map<string, Set<Socket>>();
  const sockets = new Map<string, Socket>();
  const forget = (socket: Socket, origin: string): void => {
    const others = strangers.get(origin);
    others?.delete(socket);
    if (others?.size === 0) strangers.delete(origin);
  };
  return {
    add: (socket) => {
      const [name, origin] = [nameOf(socket), originOf(socket.remoteAddress)];
      sockets.set(name, socket);
      socket.once('close', () => {
        sockets.delete(name);
        trusted.delete(name);
        forget(socket, origin);
      });
      const [oldest] = sockets.size > most ? largest(strangers) : [];
      if (oldest) {
        forget(oldest, originOf(oldest.remoteAddress));
        oldest.destroy();
      }
      strangers.set(origin, (strangers.get(origin) ?? new Set()).add(socket));
    },
    trust: (socket) => {
      const name = nameOf(socket);
      const connection = sockets.get(name);
      if (connection === undefined || trusted.has(name)) return;
      trusted.add(name);
      forget(connection, originOf(connection.remoteAddress));
    },
    isTrusted: (socket) => trusted.has(nameOf(socket)),
    open: () => sockets.size,
  };
};
