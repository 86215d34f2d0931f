/**
 * Many agents in one process, each with a long poll of its own. Told by its parent over IPC:
 * `{ hold, tag }` → sends the polls, answers `held`; when all are answered: `{ notified }`, the moments in ns
 * of the monotonic clock, which all processes of a machine share.
 */
import { connect, type Socket } from 'node:net';
import { connect as connectSecure, createSecureContext } from 'node:tls';

export interface HoldOrder {
  readonly port: number;
  readonly isSecure: boolean;
  readonly path: string;
  readonly count: number;
  readonly tag: string;
}

export type AgentsAnswer =
  { readonly kind: 'held' } | { readonly kind: 'notified'; readonly atNs: readonly string[] };

interface Poller {
  readonly socket: Socket;
  received: string;
}

const pollers: Poller[] = [];
const state = { atNs: [] as string[] };
const tell = (answer: AgentsAnswer): void => void process.send?.(answer);

/** Whole once the body has the length that its header says. */
const isWhole = (text: string): boolean => {
  const end = text.indexOf('\r\n\r\n');
  const length = /content-length: (\d+)/i.exec(text.slice(0, Math.max(end, 0)))?.[1];
  return end >= 0 && text.length - end - 4 >= Number(length ?? 0);
};

/** One for all, which saves memory and time. */
const secureContext = createSecureContext();

const open = async (port: number, isSecure: boolean): Promise<Poller> => {
  const address = { port, host: '127.0.0.1' };
  // The certificate is made for this run.
  const socket = isSecure
    ? connectSecure({ ...address, secureContext, rejectUnauthorized: false })
    : connect({ ...address, noDelay: true });
  const poller: Poller = { socket, received: '' };
  socket.setEncoding('latin1');
  socket.on('data', (text: string) => {
    poller.received += text;
    if (!isWhole(poller.received)) return;
    state.atNs.push(String(process.hrtime.bigint()));
    if (state.atNs.length === pollers.length) tell({ kind: 'notified', atNs: state.atNs });
  });
  await new Promise((resolve, reject) =>
    socket.once(isSecure ? 'secureConnect' : 'connect', resolve).once('error', reject),
  );
  return poller;
};

const hold = async ({ port, isSecure, path, count, tag }: HoldOrder): Promise<void> => {
  // Not all at the same moment: the queue of connections that wait to be accepted is finite.
  while (pollers.length < count) {
    const batch = Math.min(200, count - pollers.length);
    pollers.push(...(await Promise.all(Array.from({ length: batch }, () => open(port, isSecure)))));
  }
  state.atNs = [];
  for (const poller of pollers) {
    poller.received = '';
    poller.socket.write(
      `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${String(port)}\r\nIf-None-Match: ${tag}\r\nPrefer: wait=300\r\n\r\n`,
    );
  }
  tell({ kind: 'held' });
};

process.on('message', (order: HoldOrder) => void hold(order));
process.on('disconnect', () => process.exit());
