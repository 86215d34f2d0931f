import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import { request as requestPlain, type IncomingMessage } from 'node:http';
import { request as requestTls } from 'node:https';
import { text } from 'node:stream/consumers';
import type { TLSSocket } from 'node:tls';
import { messageOf } from '../../core/errors.ts';
import type { ListenAddress } from '../../core/hub/listen-address.ts';
import { bad, hint, ok, type Check } from './check.ts';

const TIMEOUT_MS = 5000;
/** Files of the hub beside connections: the store, logs, archives that come and go. */
const OTHER_FILES = 100;

export interface RunningHub {
  readonly listen: ListenAddress;
  /** Path of the certificate; undefined for a hub without TLS. */
  readonly cert: string | undefined;
  readonly token: string | undefined;
  readonly maxConnections: number;
}

interface Answer {
  readonly status: number;
  readonly body: string;
  /** Of the certificate that the hub serves. */
  readonly fingerprint: string | undefined;
}

/**
 * The certificate has another name than the address of this machine: it is compared with the file instead.
 */
const ask = async (
  { listen, cert, token }: RunningHub,
  path: string,
  signal: AbortSignal,
): Promise<Answer> => {
  const request = (cert === undefined ? requestPlain : requestTls)({
    host: listen.host ?? '127.0.0.1',
    port: listen.port,
    path,
    agent: false,
    rejectUnauthorized: false,
    signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
    headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  });
  request.end();
  const [response] = (await once(request, 'response')) as [IncomingMessage];
  const fingerprint =
    cert === undefined ? undefined : (response.socket as TLSSocket).getPeerCertificate().fingerprint256;
  return { status: response.statusCode ?? 0, body: await text(response), fingerprint };
};

const messageIn = (body: string): string => {
  try {
    const { error } = JSON.parse(body) as { readonly error?: { readonly message?: string } };
    return error?.message ?? 'no';
  } catch {
    return body.trim();
  }
};

const readyCheck = ({ status, body }: Answer): readonly Check[] => {
  // A hub of the version before has no /readyz.
  if (status === 404) return [];
  return status === 200
    ? [ok('hub', 'its store can be read and written (/readyz)')]
    : [
        bad(
          'hub',
          `it has no store now: /readyz answers ${String(status)}, ${messageIn(body)}`,
          'see the lines of the database or the folder; the hub goes on by itself',
        ),
      ];
};

/** The hub tells the limit that it got from the system: its unit may have another one than this process. */
export const limitCheck = (metrics: string, maxConnections: number): readonly Check[] => {
  const limit = Number(/^process_max_fds (\d+)$/m.exec(metrics)?.[1] ?? 0);
  if (limit === 0) return [];
  const needed = Math.ceil(maxConnections * 1.1) + OTHER_FILES;
  const message = `the hub may have ${String(limit)} open`;
  return limit >= needed
    ? [ok('files', message)]
    : [
        hint(
          'files',
          `${message}, too few for --max-connections ${String(maxConnections)}`,
          `set LimitNOFILE=${String(needed)} in its unit, or lower --max-connections`,
        ),
      ];
};

const servedCheck = async (hub: RunningHub, { fingerprint }: Answer): Promise<readonly Check[]> => {
  if (hub.cert === undefined || fingerprint === undefined) return [];
  const file = new X509Certificate(await readFile(hub.cert));
  return file.fingerprint256 === fingerprint
    ? []
    : [hint('hub', `it serves another certificate than ${hub.cert} has`, 'systemctl reload supercargo-hub')];
};

export const checkRunningHub = async (hub: RunningHub, signal: AbortSignal): Promise<readonly Check[]> => {
  const { listen, cert, maxConnections } = hub;
  const host = listen.host ?? '127.0.0.1';
  const place = `${cert === undefined ? 'http' : 'https'}://${host.includes(':') ? `[${host}]` : host}:${String(listen.port)}`;
  let alive: Answer;
  try {
    alive = await ask(hub, '/healthz', signal);
  } catch (error) {
    signal.throwIfAborted();
    return [
      hint(
        'hub',
        `none answers at ${place}: ${messageOf(error)}`,
        'start it: systemctl start supercargo-hub',
      ),
    ];
  }
  if (alive.status !== 200)
    return [bad('hub', `${place}/healthz answers ${String(alive.status)}`, 'look whether it is the hub')];
  const metrics = await ask(hub, '/metrics', signal);
  return [
    ok('hub', `${place} answers`),
    ...(await servedCheck(hub, alive)),
    ...readyCheck(await ask(hub, '/readyz', signal)),
    ...(metrics.status === 200 ? limitCheck(metrics.body, maxConnections) : []),
  ];
};
