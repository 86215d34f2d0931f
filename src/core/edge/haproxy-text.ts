import { createHash } from 'node:crypto';
import type { EdgeServer } from './edge-config.ts';
import { endpoint } from './haproxy-names.ts';

/**
 * Repeated on every server, because a server added at run time inherits nothing from `default-server` before
 * HAProxy 3.4. A new server is down after its first failed check. A server that was up is down after five: an
 * app that refuses connections after 2 s, one that is only too busy to accept any after 12 s.
 */
export const CHECK = 'check inter 2s fastinter 500ms downinter 500ms rise 1 fall 5';

/** Address and check options, as they follow the name in a `server` line and in `add server`. */
export const serverArguments = (server: Pick<EdgeServer, 'address' | 'port'>): string =>
  `${endpoint(server.address, server.port)} ${CHECK}`;

export const section = (title: string, lines: readonly string[]): string =>
  [title, ...lines.map((line) => `  ${line}`)].join('\n');

export const digestOf = (text: string, length: number): string =>
  createHash('sha256').update(text).digest('hex').slice(0, length);
