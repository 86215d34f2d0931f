/**
 * Hosts that send reports, heartbeats and polls over kept connections, in a process of their own.
 */
import { HEARTBEAT_HEADER, SEQ_HEADER } from '../../src/core/hub/heartbeat-header.ts';
import { hostToken } from '../../src/core/hub/tokens.ts';
import { MANIFEST, REPORT_SECRET } from '../bench-hub.ts';
import { inLanes, monotonicMs, obeyOrders } from './orders.ts';
import { etagOf, openRaw, type RawAnswer, type RawConnection } from './raw-connection.ts';
import { createReportTexts, hostName } from './report-text.ts';

/**
 * `report` has news; `repeat` is a whole report without; `heartbeat` has no body; `poll` ends after its wait.
 */
export type Sent = 'report' | 'repeat' | 'heartbeat' | 'poll';

export type ReportingOrders = {
  /** Opens the connections. Each is used by some of the hosts, one after the other. */
  readonly open: {
    readonly order: {
      readonly ports: readonly number[];
      /** Numbers of the hosts, without the last. */
      readonly hosts: readonly [from: number, to: number];
      readonly connections: number;
      readonly tag: string;
    };
    readonly answer: null;
  };
  /** Each host sends one report. */
  readonly fill: { readonly order: null; readonly answer: null };
  /** All connections send, each as soon as it has the answer, for so long. */
  readonly load: {
    readonly order: { readonly what: Sent; readonly seconds: number };
    readonly answer: { readonly count: number; readonly tookMs: number };
  };
};

interface Host {
  readonly index: number;
  /** The path and the headers that do not change. */
  readonly front: string;
  seq: number;
  news: number;
  /** Of its last report. */
  tag: string;
}

interface Lane {
  readonly hosts: readonly Host[];
  readonly connection: RawConnection;
  /** Of the answer that it waits for. */
  answered: PromiseWithResolvers<RawAnswer>;
  next: number;
}

const OPENING = 100;
const textOf = createReportTexts();
const state: { lanes: Lane[]; poll: string } = { lanes: [], poll: '' };

const hostOf = (index: number): Host => {
  const name = hostName(index);
  const token = hostToken(REPORT_SECRET, 'bench', name);
  const front = `PUT /reports/bench/${name}.json HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${token}\r\n`;
  return { index, front, seq: 0, news: 0, tag: '' };
};

const requestOf = (host: Host, what: Sent): string => {
  if (what === 'poll') return state.poll;
  host.seq += 1;
  if (what === 'heartbeat') {
    const headers = [
      `${HEARTBEAT_HEADER}: yes`,
      `${SEQ_HEADER}: ${String(host.seq)}`,
      `If-Match: ${host.tag}`,
      'Content-Length: 0',
    ];
    return `${host.front}${headers.join('\r\n')}\r\n\r\n`;
  }
  if (what === 'report') host.news += 1;
  const body = textOf(host.index, host);
  const headers = ['Content-Type: application/json; charset=utf-8', `Content-Length: ${String(body.length)}`];
  return `${host.front}${headers.join('\r\n')}\r\n\r\n${body}`;
};

const sendOne = async (lane: Lane, what: Sent): Promise<void> => {
  const host = lane.hosts[lane.next % lane.hosts.length];
  if (host === undefined) return;
  lane.next += 1;
  lane.answered = Promise.withResolvers();
  lane.connection.send(requestOf(host, what));
  const answer = await lane.answered.promise;
  const isGood = what === 'poll' ? answer.status === 304 : answer.status < 300;
  if (!isGood) throw new Error(`a hub answers a ${what} with: ${answer.head}`);
  if (what === 'report' || what === 'repeat') host.tag = etagOf(answer);
};

const openLane = async (
  { ports, hosts: [from, to], connections }: ReportingOrders['open']['order'],
  index: number,
): Promise<void> => {
  const count = Math.ceil((to - from - index) / connections);
  const hosts = Array.from({ length: count }, (_, at) => hostOf(from + index + at * connections));
  const made: { lane?: Lane } = {};
  const connection = await openRaw({
    port: ports[index % ports.length] ?? 0,
    onAnswer: (answer) => made.lane?.answered.resolve(answer),
    onLost: (reason) => made.lane?.answered.reject(new Error(`a hub ended a connection: ${reason}`)),
  });
  made.lane = { hosts, connection, answered: Promise.withResolvers(), next: 0 };
  state.lanes.push(made.lane);
};

obeyOrders<ReportingOrders>({
  open: async (order) => {
    state.poll = `GET ${MANIFEST} HTTP/1.1\r\nHost: hub\r\nIf-None-Match: ${order.tag}\r\nPrefer: wait=1\r\n\r\n`;
    const indices = Array.from({ length: order.connections }, (_, index) => index);
    await inLanes(indices, OPENING, (index) => openLane(order, index));
    return null;
  },
  fill: async () => {
    await Promise.all(
      state.lanes.map(async (lane) => {
        for (const _ of lane.hosts) await sendOne(lane, 'report');
      }),
    );
    return null;
  },
  load: async ({ what, seconds }) => {
    const startedMs = monotonicMs();
    const endMs = startedMs + seconds * 1000;
    const counts = await Promise.all(
      state.lanes.map(async (lane) => {
        let count = 0;
        for (; monotonicMs() < endMs; count += 1) await sendOne(lane, what);
        return count;
      }),
    );
    return { count: counts.reduce((sum, count) => sum + count, 0), tookMs: monotonicMs() - startedMs };
  },
});
