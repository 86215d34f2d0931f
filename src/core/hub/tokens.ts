import { createHash, createHmac, timingSafeEqual } from 'node:crypto';
import type { EpochMs } from '../time.ts';

const digest = (text: string): Buffer => createHash('sha256').update(text).digest();

/** Compares in a time that reveals neither the first difference nor the secret's length. */
export const isSameToken = (offered: string, expected: string): boolean => {
  return timingSafeEqual(digest(offered), digest(expected));
};

/**
 * A lookup by token. It compares the offered one with every row, so that its time reveals neither a token nor
 * the row that has it.
 */
export const tokenTable = <T>(
  entries: readonly (readonly [token: string, value: T])[],
): ((offered: string) => T | undefined) => {
  const rows = entries.map(([token, value]) => ({ mark: digest(token), value }));
  return (offered) => {
    const mark = digest(offered);
    return rows.filter((row) => timingSafeEqual(row.mark, mark))[0]?.value;
  };
};

/** Reads a generation, a whole number from 0 to 999999; undefined for another text. */
export const readGeneration = (text: string): number | undefined =>
  /^(0|[1-9]\d{0,5})$/.test(text) ? Number(text) : undefined;

/**
 * A host's token for its own report and turns only. Derived, so that the hub keeps one secret for all hosts.
 * A token of a later generation than 0 begins with it, as in `2.…`, so that the hub can refuse earlier ones.
 */
export const hostToken = (secret: string, environment: string, host: string, generation = 0): string => {
  const hash = (text: string): string => createHmac('sha256', secret).update(text).digest('base64url');
  if (generation === 0) return hash(`supercargo/report/v1\n${environment}\n${host}`);
  const count = String(generation);
  return `${count}.${hash(`supercargo/report/v2\n${environment}\n${host}\n${count}`)}`;
};

/** The generation that a token claims. The rest of the token proves it. */
export const generationOf = (token: string): number => Number(/^([1-9]\d{0,5})\./.exec(token)?.[1] ?? 0);

/** A browser's session token in place of the read token: it expires, and a new read token ends it at once. */
export const sessionToken = (readToken: string, untilMs: EpochMs): string => {
  const until = String(untilMs);
  const mark = createHmac('sha256', readToken).update(`supercargo/session/v1\n${until}`).digest('base64url');
  return `${until}.${mark}`;
};

export const isSession = (session: string, readToken: string, nowMs: EpochMs): boolean => {
  const until = /^(\d{1,15})\./.exec(session)?.[1];
  if (until === undefined || Number(until) <= nowMs) return false;
  return isSameToken(session, sessionToken(readToken, Number(until)));
};

/** The bearer token or basic password in an `Authorization` header (RFC 6750, RFC 7617). */
export const tokenOfHeader = (header: string | undefined): string | undefined => {
  const [, scheme = '', rest = ''] = /^(Bearer|Basic) +(\S+) *$/i.exec(header ?? '') ?? [];
  if (rest === '') return undefined;
  if (scheme.toLowerCase() === 'bearer') return rest;
  const pair = Buffer.from(rest, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  return colon === -1 ? undefined : pair.slice(colon + 1);
};

/**
 * The `Authorization` header for a token. `user:password` gives basic credentials, for a web server that is
 * no hub.
 */
export const headerOfToken = (token: string): string =>
  token.includes(':') ? `Basic ${Buffer.from(token).toString('base64')}` : `Bearer ${token}`;

/** A cookie in a `Cookie` header (RFC 6265, 4.2.1). */
export const cookieOf = (header: string | undefined, name: string): string | undefined =>
  (header ?? '')
    .split(';')
    .map((pair) => pair.trim())
    .find((pair) => pair.startsWith(`${name}=`))
    ?.slice(name.length + 1);
