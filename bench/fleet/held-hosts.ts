/**
 * Hosts with a long poll each, over plain sockets, in a process of their own.
 */
import { MANIFEST } from '../bench-hub.ts';
import { inLanes, monotonicMs, obeyOrders } from './orders.ts';
import { openRaw, type RawConnection } from './raw-connection.ts';

export interface Openings {
  readonly ports: readonly number[];
  readonly count: number;
  readonly isSecure: boolean;
}

export type HeldOrders = {
  /**
   * Opens connections, as many to each hub, and sends a poll on each at once: a hub ends silent ones after 10
   * s.
   */
  readonly open: { readonly order: Openings & { readonly tag: string }; readonly answer: null };
  /** Opens further ones that serve one request and stay, as those for reports do. */
  readonly visit: { readonly order: Openings; readonly answer: null };
  /** Sends the next poll on each connection of `open`. */
  readonly hold: { readonly order: { readonly tag: string }; readonly answer: null };
  /** Waits until every poll is answered with a manifest: the moments, by `monotonicMs`. */
  readonly notified: { readonly order: null; readonly answer: readonly number[] };
};

/** So many connections open at the same moment. */
const OPENING = 100;

const state: {
  connections: RawConnection[];
  poll: string;
  atMs: number[];
  done: PromiseWithResolvers<readonly number[]>;
} = { connections: [], poll: '', atMs: [], done: Promise.withResolvers() };

const openOne = async ({ ports, isSecure }: Openings, index: number): Promise<void> => {
  const connection = await openRaw({
    port: ports[index % ports.length] ?? 0,
    isSecure,
    onAnswer: ({ status, head }) => {
      // The wait was over.
      if (status === 304) return connection.send(state.poll);
      if (status !== 200) return state.done.reject(new Error(head));
      state.atMs.push(monotonicMs());
      if (state.atMs.length === state.connections.length) state.done.resolve(state.atMs);
    },
    onLost: (reason) => state.done.reject(new Error(`a hub ended a poll: ${reason}`)),
  });
  state.connections.push(connection);
  connection.send(state.poll);
};

/** All polls are of this version from now on. */
const expect = (tag: string): void => {
  state.poll = `GET ${MANIFEST} HTTP/1.1\r\nHost: hub\r\nIf-None-Match: ${tag}\r\nPrefer: wait=300\r\n\r\n`;
  state.atMs = [];
  state.done = Promise.withResolvers();
  // Read later, or not at all.
  state.done.promise.catch(() => undefined);
};

const visitOne = async ({ ports, isSecure }: Openings, index: number): Promise<void> => {
  const answered = Promise.withResolvers<unknown>();
  const { send } = await openRaw({
    port: ports[index % ports.length] ?? 0,
    isSecure,
    onAnswer: answered.resolve,
    // A hub ends a connection that is silent for long.
    onLost: (reason) => answered.reject(new Error(`a hub ended a connection: ${reason}`)),
  });
  send('GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n');
  await answered.promise;
};

const upTo = (count: number): readonly number[] => Array.from({ length: count }, (_, index) => index);

obeyOrders<HeldOrders>({
  open: async (order) => {
    expect(order.tag);
    await inLanes(upTo(order.count), OPENING, (index) => openOne(order, index));
    return null;
  },
  visit: async (order) => {
    await inLanes(upTo(order.count), OPENING, (index) => visitOne(order, index));
    return null;
  },
  hold: async ({ tag }) => {
    expect(tag);
    for (const { send } of state.connections) send(state.poll);
    return Promise.resolve(null);
  },
  notified: () => state.done.promise,
});
