import { rm } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** What a relay does with what passes. `held`: connections are taken and nothing is passed on, as by a program that is stopped. */
export type RelayMode = 'open' | 'held' | 'gone' | { readonly delayMs: number };

export interface Relay {
  readonly set: (mode: RelayMode) => Promise<void>;
  readonly close: () => Promise<void>;
}

type Place = { readonly path: string } | { readonly port: number; readonly host: string };

/** Stands between an agent and somebody it talks to; what it does to connections that are open it does at once. */
export const startRelay = async (from: Place, to: Place): Promise<Relay> => {
  const sockets = new Set<Socket>();
  const state: { mode: RelayMode; server: Server | undefined } = { mode: 'open', server: undefined };
  const pass = (source: Socket, target: Socket): void => {
    source.on('error', () => undefined).on('close', () => target.destroy());
    source.on('data', (chunk) => {
      if (typeof state.mode === 'string') return void target.write(chunk);
      // In order: all wait equally long.
      setTimeout(() => target.write(chunk), state.mode.delayMs);
    });
    source.on('end', () => target.end());
    sockets.add(source.once('close', () => sockets.delete(source)));
    if (state.mode === 'held') source.pause();
  };
  const listen = async (): Promise<void> => {
    if ('path' in from) await rm(from.path, { force: true });
    const server = createServer((socket) => {
      const target = connect(to);
      pass(socket, target);
      pass(target, socket);
    });
    await new Promise<void>((resolve) => server.listen(from, resolve));
    state.server = server;
  };
  const close = async (): Promise<void> => {
    const { server } = state;
    state.server = undefined;
    for (const socket of sockets) socket.destroy();
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  };
  await listen();
  return {
    set: async (mode) => {
      state.mode = mode;
      if (mode === 'gone') await close();
      else if (!state.server) await listen();
      for (const socket of sockets) socket[mode === 'held' ? 'pause' : 'resume']();
    },
    close,
  };
};
