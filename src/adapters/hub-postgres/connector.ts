import { AgentError } from '../../core/errors.ts';
import { readTlsFiles } from '../../io/tls-files.ts';
import type { DatabaseAddress, DatabaseHost } from './database-address.ts';
import { dial } from './dial.ts';
import { hostFailure, noPrimary, type HostFailure } from './host-failure.ts';
import { startSession, type Session, type SessionOptions } from './session.ts';
import type { StoreClock } from './store-clock.ts';

export interface Connector {
  /**
   * Connects to the primary.
   * @throws AgentError STORE; `later` unless a person must act before it can work
   */
  readonly open: (signal: AbortSignal, onNotify?: SessionOptions['onNotify']) => Promise<Session>;
}

/** For the connection and TLS to one host; a dead one must leave time for the others. */
const DIAL_MS = 3000;
const LEAST_VERSION = 150_000;

interface Opening {
  readonly standby: boolean;
  readonly readonly: boolean;
  readonly version: number;
  readonly encoding: string;
  readonly now_ms: number;
}

const standby = new AgentError('STORE', 'it is a standby', { retry: 'later' });
/** Set by an operator, or by a managed database whose disk is full. */
const readOnly = new AgentError(
  'STORE',
  'it is a primary that takes no writes: look for default_transaction_read_only, and whether its disk is full',
  { retry: 'later' },
);

const unfit = ({ version, encoding }: Opening): AgentError | undefined => {
  if (version < LEAST_VERSION)
    return new AgentError('STORE', 'the database is older than PostgreSQL 15', { advice: 'use 15 or newer' });
  return encoding === 'UTF8'
    ? undefined
    : new AgentError('STORE', 'the database is not encoded in UTF8', {
        advice: 'create it anew: createdb --encoding=UTF8 --template=template0',
      });
};

/** A publish must be on the synchronous standbys of the cluster, whatever the role or database has set. */
const checkPrimary = async ({ sql }: Session, clock: StoreClock): Promise<void> => {
  const sentAtMs = clock.now();
  const [state] = await sql<Opening[]>`
    select pg_is_in_recovery() as standby, current_setting('transaction_read_only') = 'on' as readonly,
      current_setting('server_version_num')::int as version, current_setting('server_encoding') as encoding,
      (extract(epoch from clock_timestamp()) * 1000)::bigint as now_ms,
      (select set_config('synchronous_commit', 'on', false)
        where current_setting('synchronous_commit') in ('off', 'local', 'remote_write'))`;
  if (state === undefined || state.standby) throw standby;
  if (state.readonly) throw readOnly;
  const fault = unfit(state);
  if (fault) throw fault;
  clock.observe(state.now_ms, sentAtMs);
};

/** Tries each host, the last primary first. */
export const createConnector = (address: DatabaseAddress, clock: StoreClock): Connector => {
  const { hosts } = address;
  const state = { first: 0, hasConnected: false };
  const openOne = async (
    host: DatabaseHost,
    signal: AbortSignal,
    onNotify: SessionOptions['onNotify'],
  ): Promise<Session> => {
    // Read for each connection, so that renewed certificates count.
    const tls =
      address.tls &&
      (await readTlsFiles(
        { ca: address.tls.ca, clientCert: address.tls.cert, clientKey: address.tls.key },
        (path) =>
          new AgentError('STORE', `the file ${path} cannot be read`, {
            advice: 'name a PEM file that the user of the hub may read',
          }),
      ));
    const socket = await dial(host, { tls, signal: AbortSignal.any([signal, AbortSignal.timeout(DIAL_MS)]) });
    const session = await startSession(socket, { ...address, ...(onNotify && { onNotify }) });
    const abort = (): void => session.destroy();
    signal.addEventListener('abort', abort);
    try {
      await checkPrimary(session, clock);
      return session;
    } catch (error) {
      session.destroy();
      throw error;
    } finally {
      signal.removeEventListener('abort', abort);
    }
  };
  return {
    open: async (signal, onNotify) => {
      const failures: HostFailure[] = [];
      const { first } = state;
      for (const offset of hosts.keys()) {
        const at = (first + offset) % hosts.length;
        const host = hosts[at];
        if (host === undefined) continue;
        try {
          const session = await openOne(host, signal, onNotify);
          state.first = at;
          state.hasConnected = true;
          return session;
        } catch (error) {
          // A call that has no time left begins with the next host the next time.
          if (state.first === at) state.first = (at + 1) % hosts.length;
          signal.throwIfAborted();
          failures.push(hostFailure(host, error));
        }
      }
      const error = noPrimary(failures);
      // What has worked once may work again: a failover must not look like a fault of the configuration.
      if (error.retry === 'later' || !state.hasConnected) throw error;
      throw new AgentError('STORE', error.message, {
        retry: 'later',
        ...(error.advice !== undefined && { advice: error.advice }),
      });
    },
  };
};
