import { report, type Reader } from './reader-context.ts';
import type { ReadyCheck } from './project-model.ts';
import { fields } from './readers.ts';
import { duration, integer, positiveDuration, textLike } from './scalars.ts';
import { NAME } from '../docker-names.ts';

const port = integer(1, 65_535);
const READY_KEYS = {
  http: textLike(/^\/[\x21-\x7e]*$/, 'a path', 'write it like /health'),
  port,
  tcp: port,
};

const ready: Reader<ReadyCheck> = (node, c) => {
  const before = c.problems.length;
  const read = fields(READY_KEYS)(node, c);
  if (read === undefined || c.problems.length > before) return undefined;
  const { http, port: httpPort, tcp } = read;
  if (http !== undefined && httpPort !== undefined && tcp === undefined)
    return { kind: 'http', path: http, port: httpPort };
  if (tcp !== undefined && http === undefined && httpPort === undefined) return { kind: 'tcp', port: tcp };
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
});
