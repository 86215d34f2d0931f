/**
 * Hosts that follow a list of hubs, in a process of their own. Which hub a host asks, how long it leaves a
 * dead one alone and when it asks the next one is the agent's own code (`createHubs`, `createFollow`). With
 * `isWhole` its requests are the agent's too (`createHttpSource`); for thousands of hosts they cost the
 * machine more than the hubs do, so that otherwise plain sockets carry them.
 */
import { createHttpSource } from '../../src/adapters/manifest-source/http-source.ts';
import { createFollow } from '../../src/agent/long-poll.ts';
import { AgentError } from '../../src/core/errors.ts';
import type { Fetched, Held, ManifestSource } from '../../src/core/ports/manifest-source.ts';
import { createConnections } from '../../src/io/connections.ts';
import { createHubs, type HubAnswer, type HubList } from '../../src/io/hub-failover.ts';
import { MANIFEST } from '../bench-hub.ts';
import { inLanes, obeyOrders } from './orders.ts';
import { etagOf, openRaw, type RawAnswer, type RawConnection } from './raw-connection.ts';
import { hostName } from './report-text.ts';

export type FollowingOrders = {
  /** Settles once each host has read the manifest and has sent a poll. */
  readonly follow: {
    readonly order: {
      readonly urls: readonly [string, ...string[]];
      readonly hosts: readonly [from: number, to: number];
      readonly isWhole: boolean;
    };
    readonly answer: null;
  };
};

/** Longer than a measurement, so that no poll ends because its time is over. */
const HOLD_SECONDS = 290;
/** As in src/adapters/manifest-source/http-source.ts. */
const SPREAD_MS = 5_000;
const OPENING = 50;

const failed: Fetched = {
  kind: 'failed',
  error: new AgentError('MANIFEST_UNREACHABLE', 'lost', { retry: 'later' }),
};

/** `createHttpSource` over a plain socket, kept for as long as its hub answers. */
const plainSource = (hubs: HubList): ManifestSource => {
  const state: {
    connection?: RawConnection | undefined;
    address?: string;
    tag?: string;
    settle?: (answer: RawAnswer | string) => void;
  } = {};

  const exchange = async (address: string, request: string): Promise<RawAnswer | string> => {
    const { promise, resolve } = Promise.withResolvers<RawAnswer | string>();
    state.settle = resolve;
    if (state.address !== address) {
      state.connection?.close();
      state.connection = undefined;
    }
    state.address = address;
    try {
      state.connection ??= await openRaw({
        port: Number(new URL(address).port),
        onAnswer: (answer) => state.settle?.(answer),
        onLost: (reason) => {
          state.connection = undefined;
          state.settle?.(reason);
        },
      });
      state.connection.send(request);
    } catch (error) {
      resolve(String(error));
    }
    return promise;
  };

  const ask = async (address: string, headers: string): Promise<HubAnswer<Fetched>> => {
    const answer = await exchange(address, `GET ${MANIFEST} HTTP/1.1\r\nHost: hub\r\n${headers}\r\n`);
    if (typeof answer === 'string') return { kind: 'unreachable', value: failed, reason: answer };
    if (answer.status >= 500) return { kind: 'failing', value: failed, reason: String(answer.status) };
    if (answer.status === 304) return { kind: 'answered', value: { kind: 'unchanged' } };
    state.tag = etagOf(answer);
    return { kind: 'answered', value: { kind: 'document', bytes: new Uint8Array() } };
  };

  return {
    fetch: async () => {
      const result = await hubs.ask((address) => ask(address, 'Cache-Control: no-cache\r\n'));
      return result.kind === 'answered' ? result.value : failed;
    },
    hold: async () => {
      const headers = `If-None-Match: ${state.tag ?? ''}\r\nPrefer: wait=${String(HOLD_SECONDS)}\r\n`;
      const result = await hubs.ask(
        (address) => ask(address, headers),
        (isNews) => !isNews,
      );
      if (result.kind === 'answered') return result.value;
      if (hubs.addresses.length === 1) return failed;
      return { ...failed, retryAfterMs: Math.floor(Math.random() * SPREAD_MS) };
    },
  };
};

const endless = new AbortController().signal;

const followOne = async (
  { urls, isWhole }: FollowingOrders['follow']['order'],
  index: number,
): Promise<void> => {
  const [first, ...others] = urls;
  const addresses: [string, ...string[]] = [
    `${first}${MANIFEST}`,
    ...others.map((url) => `${url}${MANIFEST}`),
  ];
  const hubs = createHubs({ host: hostName(index) }).list('manifest', addresses);
  const source = isWhole
    ? createHttpSource({ hubs, connections: createConnections(), holdSeconds: HOLD_SECONDS })
    : plainSource(hubs);
  const read = await source.fetch(endless);
  if (read.kind === 'failed') throw new Error(`a host reads no manifest: ${read.error.message}`);
  const hold = async (): Promise<Held | undefined> => source.hold?.(endless);
  void createFollow({ random: Math.random }, { hold }, () => undefined).run(endless);
};

obeyOrders<FollowingOrders>({
  follow: async (order) => {
    const [from, to] = order.hosts;
    const indices = Array.from({ length: to - from }, (_, at) => from + at);
    await inLanes(indices, OPENING, (index) => followOne(order, index));
    return null;
  },
});
