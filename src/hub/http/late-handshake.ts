import type { Server, Socket } from 'node:net';

/** Below 1024 bytes, the smallest buffer that Node's TLS gives a connection for what arrives. */
const PIECE_BYTES = 1000;

/** A new connection; it has sent nothing yet. */
type Accept = (socket: Socket) => void;

const piecesOf = (bytes: Buffer): readonly Buffer[] =>
  Array.from({ length: Math.ceil(bytes.length / PIECE_BYTES) }, (_, at) =>
    bytes.subarray(at * PIECE_BYTES, (at + 1) * PIECE_BYTES),
  );

/**
 * Puts the bytes back, so that TLS reads them piece by piece: only a socket that flows gives them one at a
 * time. TLS reads at the next tick, and before the socket does, because it was given the socket first.
 */
const putBack = (socket: Socket, bytes: Buffer): void => {
  for (const piece of piecesOf(bytes).toReversed()) socket.unshift(piece);
  socket.resume();
};

/**
 * Lets a TLS server begin with a connection once its first bytes are there. By itself, TLS reads from the
 * network, and Node then gives each connection 64 KiB for its life, of which a held poll uses one. Bytes that
 * have arrived before are handed over, and their size decides: 1 KiB, and 16 more for a client that sends
 * more than that at once. A connection that stays silent for the given time is closed.
 */
export const handshakeLate = (server: Server, silenceMs: number): void => {
  const accepts = server.listeners('connection') as Accept[];
  server.removeAllListeners('connection');
  server.on('connection', (socket) => {
    const give = (): void => void socket.destroy();
    socket.on('error', give).setTimeout(silenceMs, give);
    socket.once('readable', () => {
      const first = socket.read() as Buffer | null;
      if (first === null) {
        give();
        return;
      }
      socket.setTimeout(0, give);
      for (const accept of accepts) accept.call(server, socket);
      putBack(socket, first);
    });
  });
};
