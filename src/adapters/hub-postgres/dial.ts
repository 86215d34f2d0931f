import { once } from 'node:events';
import { connect, isIP, type Socket } from 'node:net';
import { join } from 'node:path';
import type { Duplex } from 'node:stream';
import { AgentError } from '../../core/errors.ts';
import type { TlsMaterial } from '../../io/tls-files.ts';
import { isSocketFolder, type DatabaseHost } from './database-address.ts';

/** How soon a connection without answers is known to be dead, if nothing waits for an answer. */
const KEEP_ALIVE_MS = 10_000;
const SSL_REQUEST = Buffer.from([0, 0, 0, 8, 0x04, 0xd2, 0x16, 0x2f]);
const [YES] = Buffer.from('S');

export interface DialOptions {
  /** Undefined for a connection without TLS. */
  readonly tls: TlsMaterial | undefined;
  /** Ends the attempt, not the connection that was made. */
  readonly signal: AbortSignal;
}

const socketOf = ({ host, port }: DatabaseHost): Socket =>
  isSocketFolder(host)
    ? connect(join(host, `.s.PGSQL.${String(port)}`))
    : connect({ host, port, noDelay: true, keepAlive: true, keepAliveInitialDelay: KEEP_ALIVE_MS });

/**
 * Checks the name of the host against the certificate: the driver would look for "localhost" if the host is
 * an IP address.
 */
const secure = async (
  socket: Socket,
  { host }: DatabaseHost,
  { certificateAuthority, certificate, key }: TlsMaterial,
  signal: AbortSignal,
): Promise<Duplex> => {
  socket.write(SSL_REQUEST);
  const [answer] = (await once(socket, 'data', { signal })) as [Buffer];
  // More than one byte would be an answer in clear text to what is sent encrypted later.
  if (answer.length !== 1 || answer[0] !== YES)
    throw new AgentError('STORE', 'it offers no TLS', {
      advice: 'turn TLS on in its postgresql.conf: ssl = on',
    });
  const { default: tls } = await import('node:tls');
  const secured = tls.connect({
    socket,
    host,
    ...(isIP(host) === 0 && { servername: host }),
    ca: certificateAuthority,
    cert: certificate,
    key,
    minVersion: 'TLSv1.2',
  });
  secured.on('error', () => undefined);
  await once(secured, 'secureConnect', { signal });
  return secured;
};

/** Connects to one host. @throws what the system, TLS or the signal says */
export const dial = async (host: DatabaseHost, { tls, signal }: DialOptions): Promise<Duplex> => {
  const socket = socketOf(host);
  // An error at a moment without another listener must not end the hub.
  socket.on('error', () => undefined);
  try {
    await once(socket, 'connect', { signal });
    return tls === undefined ? socket : await secure(socket, host, tls, signal);
  } catch (error) {
    socket.destroy();
    throw error;
  }
};
