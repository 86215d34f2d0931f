import { AgentError } from '../../core/errors.ts';
import { isLoopback } from '../../core/hub/listen-address.ts';

export interface DatabaseHost {
  /** A name, an IP address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
}

/** Where a database is, and as which role to enter it. */
export interface DatabaseAddress {
  /** In the order in which they are tried; one of them is the primary. */
  readonly hosts: readonly DatabaseHost[];
  readonly user: string;
  readonly password: string | undefined;
  readonly database: string;
  /** Undefined for a connection without TLS. */
  readonly tls: DatabaseTls | undefined;
}

/** Paths of PEM files. */
export interface DatabaseTls {
  /** Undefined for the public authorities of Node. */
  readonly ca: string | undefined;
  readonly cert: string | undefined;
  readonly key: string | undefined;
}

const EXAMPLE = 'postgres://hub@db1,db2,db3/supercargo';
const DEFAULT_PORT = 5432;
const PARAMETERS = ['host', 'port', 'sslmode', 'sslrootcert', 'sslcert', 'sslkey'] as const;
type Parameters = Partial<Record<(typeof PARAMETERS)[number], string>>;

/** `what` never quotes the address, which may hold a password. */
const fault = (what: string, advice = `write it like ${EXAMPLE}`): AgentError =>
  new AgentError('CONFIG', `the address of the database ${what}`, { advice });

const decoded = (text: string): string => {
  try {
    return decodeURIComponent(text);
  } catch {
    throw fault('has a % that begins no escape', 'write the character % as %25');
  }
};

const HOST = /^(?:\[(?<six>[0-9a-fA-F:.]+)\]|(?<name>[^:[\]@/]+))(?::(?<port>\d{1,5}))?$/;

const hostOf = (text: string): DatabaseHost => {
  const { six, name, port = String(DEFAULT_PORT) } = HOST.exec(text)?.groups ?? {};
  const host = six ?? name;
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw fault('has a host that is not NAME, NAME:PORT or [IPv6]:PORT');
  return { host, port: Number(port) };
};

export const isSocketFolder = (host: string): boolean => host.startsWith('/');

/**
 * Hosts come before the slash; the folder of a unix socket, which has slashes, is a parameter as in libpq.
 */
const hostsOf = (named: string, { host: folder, port }: Parameters): readonly DatabaseHost[] => {
  if (folder === undefined && port === undefined) return named.split(',').map(hostOf);
  if (folder === undefined || !isSocketFolder(folder) || named !== '')
    throw fault('has host= or port= for more than the folder of a unix socket');
  return [{ host: folder, port: hostOf(`socket:${port ?? String(DEFAULT_PORT)}`).port }];
};

/** One machine needs no proof of itself; for all others verified TLS is the default. */
const isLocal = ({ host }: DatabaseHost): boolean => isSocketFolder(host) || isLoopback(host);

const parametersOf = (query: string): Parameters => {
  const found: Parameters = {};
  for (const [name, value] of new URLSearchParams(query)) {
    const known = PARAMETERS.find((each) => each === name);
    if (known === undefined)
      throw fault('has an unknown parameter', `use only ${PARAMETERS.join(', ')} after the ?`);
    found[known] = value;
  }
  return found;
};

const tlsOf = (
  hosts: readonly DatabaseHost[],
  { sslmode, sslrootcert: ca, sslcert: cert, sslkey: key }: Parameters,
): DatabaseTls | undefined => {
  if (sslmode !== undefined && sslmode !== 'disable' && sslmode !== 'verify-full')
    throw fault(
      'has an sslmode other than disable and verify-full',
      'use verify-full; the other modes encrypt for whatever server answers',
    );
  if ((sslmode ?? (hosts.every(isLocal) ? 'disable' : 'verify-full')) === 'disable') return undefined;
  if (hosts.some(({ host }) => isSocketFolder(host)))
    throw fault('asks for TLS on a unix socket', 'leave sslmode out');
  if ((cert === undefined) !== (key === undefined))
    throw fault('needs sslcert and sslkey together', 'name both files or none');
  return { ca, cert, key };
};

/** What follows the scheme: the last @ ends the login, so that a password may contain one. */
const ADDRESS = /^(?:(?<login>[^/?]*)@)?(?<hosts>[^/?@]*)\/(?<database>[^/?]+)(?:\?(?<query>.*))?$/;

/**
 * Reads `postgres://USER[:PASSWORD]@HOST[:PORT][,…]/DATABASE[?PARAMETERS]` as libpq does.
 * @throws AgentError CONFIG, which quotes nothing
 */
export const parseDatabaseAddress = (text: string): DatabaseAddress => {
  const [, rest] = /^postgres(?:ql)?:\/\/(.*)$/.exec(text) ?? [];
  if (rest === undefined) throw fault('does not begin with postgres://');
  const { login, hosts: named = '', database, query = '' } = ADDRESS.exec(rest)?.groups ?? {};
  if (database === undefined) throw fault('has no /DATABASE, or an unescaped /, ? or @');
  const [user = '', password] = (login ?? '').split(/:(.*)/s).map(decoded);
  if (user === '') throw fault('has no role before the @');
  const parameters = parametersOf(query);
  const hosts = hostsOf(named, parameters);
  return {
    hosts,
    user,
    password: password === '' ? undefined : password,
    database: decoded(database),
    tls: tlsOf(hosts, parameters),
  };
};

export const hostText = ({ host, port }: DatabaseHost): string =>
  `${host.includes(':') ? `[${host}]` : host}${port === DEFAULT_PORT ? '' : `:${String(port)}`}`;

/** Without a password, for messages and logs. */
export const addressText = ({ hosts, user, database }: DatabaseAddress): string =>
  `postgres://${user}@${hosts.map(hostText).join(',')}/${database}`;
