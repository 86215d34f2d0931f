import { report, type Reader } from './reader-context.ts';
import type { ReadyCheck } from './project-model.ts';
import { fields, mapOf, toRecord } from './readers.ts';
import { duration, integer, oneOf, positiveDuration, textLike } from './scalars.ts';
import { NAME } from '../docker-names.ts';

const port = integer(1, 65_535);

/** Set by the connection itself, or by `host`. */
const OWN_HEADERS = new Set(['connection', 'content-length', 'host', 'transfer-encoding', 'upgrade']);

const headerValue = textLike(/^[\x20-\x7e\t]*$/, 'the value of a header', 'write visible ASCII characters');

const headers: Reader<Readonly<Record<string, string>>> = (node, c) => {
  const read = mapOf((value, _c, name) => {
    const key = name.toLowerCase();
    if (!/^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(key))
      return report(c, value, 'the name of a header has other characters', 'write it like X-Forwarded-Proto');
    if (OWN_HEADERS.has(key))
      return report(c, value, `${key} is set by the check itself`, 'remove it; for Host write host: NAME');
    const text = headerValue(value, c);
    return text === undefined ? undefined : ([key, text] as const);
  })(node, c);
  return read && toRecord(read.values());
};

const READY_KEYS = {
  http: textLike(/^\/[\x21-\x7e]*$/, 'a path', 'write it like /health'),
  port,
  host: textLike(/^[A-Za-z0-9._:[\]-]+$/, 'a host', 'write it like www.example.com'),
  headers,
  tcp: port,
};

const ready: Reader<ReadyCheck> = (node, c) => {
  const before = c.problems.length;
  const read = fields(READY_KEYS)(node, c);
  if (read === undefined || c.problems.length > before) return undefined;
  const { http, port: httpPort, host, headers: more, tcp } = read;
  const sent = { ...more, ...(host !== undefined && { host }) };
  const hasHeaders = Object.keys(sent).length > 0;
  if (http !== undefined && httpPort !== undefined && tcp === undefined)
    return { kind: 'http', path: http, port: httpPort, ...(hasHeaders && { headers: sent }) };
  if (tcp !== undefined && http === undefined && httpPort === undefined && !hasHeaders)
    return { kind: 'tcp', port: tcp };
  return report(c, node, 'is neither an HTTP nor a TCP check', 'write {http: /path, port: N} or {tcp: N}');
};

export const containerName = textLike(NAME, 'a container name', 'use letters, digits, "_", "." and "-"');

/** Reads `x-supercargo` of a service. */
export const serviceExtension = fields({
  drain: duration,
  ready,
  'healthy-within': positiveDuration,
  'version-from': textLike(NAME, 'a service name', 'write the name of another service'),
  replaces: containerName,
  once: oneOf('fleet'),
});
