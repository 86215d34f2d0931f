import { connect, type Socket } from 'node:net';
import { connect as connectSecure, createSecureContext } from 'node:tls';

export interface RawAnswer {
  readonly status: number;
  /** Status line and headers. */
  readonly head: string;
}

/** HTTP/1.1 by hand, one request at a time: thousands of hosts in one process must cost less than the hub. */
export interface RawConnection {
  /** A whole request. */
  readonly send: (request: string) => void;
  readonly close: () => void;
}

export interface RawOptions {
  readonly port: number;
  /** With TLS. The certificate is made for this run and not checked. */
  readonly isSecure?: boolean;
  readonly onAnswer: (answer: RawAnswer) => void;
  /** The connection has ended, by an error or not, but not by `close`. */
  readonly onLost: (reason: string) => void;
}

const lengthOf = (status: number, head: string): number => {
  if (status === 204 || status === 304) return 0;
  const length = /content-length: (\d+)/i.exec(head)?.[1];
  if (length === undefined) throw new Error(`an answer without a length: ${head}`);
  return Number(length);
};

/** The kernel looks long for a free port of an address that has many connections. */
const CONNECTIONS_PER_SOURCE = 4_000;
const SOURCES = 250;
const opened = { count: 0 };

/** An address of this program (its number is its argument) for the next connection. */
const nextSource = (): string => {
  const source = Math.floor(opened.count / CONNECTIONS_PER_SOURCE) % SOURCES;
  opened.count += 1;
  return `127.0.${String(Number(process.argv[2]) + 1)}.${String(source + 1)}`;
};

/** One for all, which saves memory and time. */
const secureContext = createSecureContext();

/** Rejects if it cannot be opened. */
export const openRaw = async ({
  port,
  isSecure = false,
  onAnswer,
  onLost,
}: RawOptions): Promise<RawConnection> => {
  const target = { port, host: '127.0.0.1', localAddress: nextSource() };
  const socket: Socket = isSecure
    ? connectSecure({ ...target, secureContext, rejectUnauthorized: false })
    : connect({ ...target, noDelay: true });
  const state = { head: '', status: 0, left: 0, isOpen: false };

  const receive = (chunk: string): void => {
    if (state.left > 0) {
      state.left -= chunk.length;
    } else {
      state.head += chunk;
      const end = state.head.indexOf('\r\n\r\n');
      if (end < 0) return;
      state.status = Number(state.head.slice(9, 12));
      const bodyBytes = state.head.length - end - 4;
      state.head = state.head.slice(0, end);
      state.left = lengthOf(state.status, state.head) - bodyBytes;
    }
    if (state.left > 0) return;
    const { status, head } = state;
    state.head = '';
    onAnswer({ status, head });
  };

  socket.setEncoding('latin1');
  await new Promise<void>((resolve, reject) => {
    socket.once(isSecure ? 'secureConnect' : 'connect', () => resolve()).once('error', reject);
  });
  state.isOpen = true;
  const lose = (reason: string): void => {
    if (!state.isOpen) return;
    state.isOpen = false;
    onLost(reason);
  };
  socket
    .on('data', receive)
    .on('error', (error) => lose(error.message))
    .on('close', () => lose('closed'));
  return {
    send: (request) => void socket.write(request, 'latin1'),
    close: () => {
      state.isOpen = false;
      socket.destroy();
    },
  };
};

export const etagOf = ({ head }: RawAnswer): string => /^etag: (.*)$/im.exec(head)?.[1]?.trim() ?? '';
