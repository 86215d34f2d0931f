import { AgentError, messageOf } from '../../core/errors.ts';
import { readTlsFiles } from '../../io/tls-files.ts';
import type { DatabaseAddress, DatabaseHost } from './database-address.ts';
import { databaseError } from './database-error.ts';
import { dial } from './dial.ts';
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

interface Failure {
  readonly host: string;
  readonly reason: string;
  /** Set if a person must act. */
  readonly error: AgentError | undefined;
}

const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ENOENT: 'has no such socket',
  ENOTFOUND: 'is an unknown name',
  EAI_AGAIN: 'cannot be resolved now',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ABORT_ERR: 'does not answer',
  ERR_TLS_CERT_ALTNAME_INVALID: 'has a certificate of another name',
  CERT_HAS_EXPIRED: 'has a certificate that has expired',
  CONNECT_TIMEOUT: 'does not answer',
};
const UNTRUSTED = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)/;
const TLS_ADVICE =
  'name the file of its authority with ?sslrootcert=FILE, and each host as its certificate does';

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

const failureOf = ({ host, port }: DatabaseHost, error: unknown): Failure => {
  const place = host.includes(':') ? `[${host}]` : host;
  const name = `${place}:${String(port)}`;
  const code = codeOf(error);
  const isUntrusted = UNTRUSTED.test(code) && code !== 'CERT_HAS_EXPIRED';
  const text = isUntrusted ? `has a certificate that no trusted authority signed` : REASONS[code];
  if (isUntrusted || code === 'ERR_TLS_CERT_ALTNAME_INVALID')
    return { host: name, reason: text ?? '', error: new AgentError('STORE', '', { advice: TLS_ADVICE }) };
  if (text !== undefined) return { host: name, reason: text, error: undefined };
  const known = databaseError(error);
  const isLater = known.retry === 'later' || (code === '' && !(error instanceof AgentError));
  return {
    host: name,
    reason: code === '' ? `fails: ${messageOf(error)}` : `answers: ${known.message}`,
    error: isLater ? undefined : known,
  };
};

const unreachable = (failures: readonly Failure[]): AgentError => {
  const fault = failures.find(({ error }) => error !== undefined)?.error;
  const texts = failures.map(({ host, reason }) => `${host} ${reason}`);
  return new AgentError('STORE', `no primary of the database can be reached: ${texts.join('; ')}`, {
    advice:
      fault?.advice ?? 'check that PostgreSQL runs and has a primary; the hub looks for it again by itself',
    retry: fault?.retry ?? 'later',
  });
};

interface Opening {
  readonly standby: boolean;
  readonly readonly: boolean;
  readonly version: number;
  readonly encoding: string;
  readonly now_ms: number;
}

const standby = new AgentError('STORE', 'it is a standby', { retry: 'later' });

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
  if (state === undefined || state.standby || state.readonly) throw standby;
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
      const failures: Failure[] = [];
      for (const offset of hosts.keys()) {
        const at = (state.first + offset) % hosts.length;
        const host = hosts[at];
        if (host === undefined) continue;
        try {
          const session = await openOne(host, signal, onNotify);
          state.first = at;
          state.hasConnected = true;
          return session;
        } catch (error) {
          signal.throwIfAborted();
          failures.push(failureOf(host, error));
        }
      }
      const error = unreachable(failures);
      // What has worked once may work again: a failover must not look like a fault of the configuration.
      if (error.retry === 'later' || !state.hasConnected) throw error;
      throw new AgentError('STORE', error.message, {
        retry: 'later',
        ...(error.advice !== undefined && { advice: error.advice }),
      });
    },
  };
};
