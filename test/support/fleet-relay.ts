/**
 * Run inside a network namespace: what connects to a loopback port there reaches the port of this machine's, by way of a unix
 * socket, which namespaces share. `fleet-relay.ts PORT=SOCKET …`
 */
import { connect, createServer, type Socket } from 'node:net';

/** Both ends see what the other one does, until either is gone. */
export const join = (one: Socket, other: Socket): void => {
  one.pipe(other).pipe(one);
  for (const [socket, peer] of [
    [one, other],
    [other, one],
  ] as const)
    socket.on('error', () => undefined).on('close', () => peer.destroy());
};

if (import.meta.main) {
  for (const pair of process.argv.slice(2)) {
    const [port = '', path = ''] = pair.split('=');
    createServer((socket) => join(socket, connect({ path }))).listen(Number(port), '127.0.0.1');
  }
}
