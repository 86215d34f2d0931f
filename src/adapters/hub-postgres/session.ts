import { Duplex } from 'node:stream';
import type postgres from 'postgres';
import type { DatabaseAddress } from './database-address.ts';

/** Runs statements. A number stands for every `bigint` too: no value of the hub is above 2^53. */
export type Sql = postgres.Sql<{ bigint: number }>;

/** One connection to a database. */
export interface Session {
  readonly sql: Sql;
  readonly isClosed: () => boolean;
  /** Called once it has ended; at once if it has. */
  readonly onClosed: (listener: () => void) => void;
  /** Ends it at once: what runs fails, and the server rolls its transaction back. */
  readonly destroy: () => void;
  /** Takes leave of the server. */
  readonly end: () => Promise<void>;
}

export interface SessionOptions extends Pick<DatabaseAddress, 'user' | 'password' | 'database'> {
  readonly onNotify?: (channel: string, payload: string) => void;
}

/**
 * The server gives up before the hub does (`DEADLINE_MS` of pool.ts), so that it keeps no lock of a lost
 * caller.
 */
const SETTINGS = {
  application_name: 'supercargo-hub',
  search_path: 'pg_catalog',
  default_transaction_isolation: 'read committed',
  statement_timeout: 9000,
  lock_timeout: 5000,
  idle_in_transaction_session_timeout: 5000,
  client_connection_check_interval: 1000,
  tcp_keepalives_idle: 10,
  tcp_keepalives_interval: 5,
  tcp_keepalives_count: 3,
  tcp_user_timeout: 15_000,
} as const;
const LOGIN_SECONDS = 3;

/** What the driver gets that wants to connect anew: what it has queued fails. */
const deadSocket = (): Duplex => {
  const dead = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
  setImmediate(() => dead.destroy(new Error('the connection is closed')));
  return dead;
};

/**
 * The driver loads only here. It serves for its protocol alone, with one connection for each instance, as its
 * pool has traps (3.4.9):
 * - It has no deadline for a statement.
 * - It connects anew with what was queued: the rest of a transaction would run outside of it.
 * - With several hosts it swallows every error of a connection, and tries again without a pause.
 * - `target_session_attrs: 'read-write'` accepts a standby.
 * - It forgets a connection of which `socket` fails, and `fetch_types` fails without a handler.
 */
export const startSession = async (
  socket: Duplex,
  { user, password, database, onNotify }: SessionOptions,
): Promise<Session> => {
  const { default: create } = await import('postgres');
  const given = [socket];
  const options: postgres.Options<{ bigint: postgres.PostgresType<number> }> & {
    readonly socket: () => Duplex;
    readonly onnotify: SessionOptions['onNotify'];
    readonly no_subscribe: true;
  } = {
    host: 'database',
    port: 5432,
    user,
    // A function, so that no variable of libpq takes its place.
    password: () => password ?? '',
    database,
    ssl: false,
    max: 1,
    fetch_types: false,
    prepare: true,
    debug: false,
    idle_timeout: 0,
    max_lifetime: null,
    keep_alive: null,
    connect_timeout: LOGIN_SECONDS,
    connection: SETTINGS,
    onnotice: () => undefined,
    onnotify: onNotify,
    no_subscribe: true,
    types: { bigint: { to: 20, from: [20], serialize: String, parse: Number } },
    socket: () => given.shift() ?? deadSocket(),
  };
  const sql = create(options);
  const state = { isClosed: socket.destroyed };
  const listeners: (() => void)[] = [];
  socket.once('close', () => {
    state.isClosed = true;
    for (const listener of listeners.splice(0)) listener();
  });
  return {
    sql,
    isClosed: () => state.isClosed || socket.destroyed,
    onClosed: (listener) => {
      if (state.isClosed) listener();
      else listeners.push(listener);
    },
    destroy: () => void socket.destroy(),
    end: async () => {
      await sql.end({ timeout: 1 });
      socket.destroy();
    },
  };
};
