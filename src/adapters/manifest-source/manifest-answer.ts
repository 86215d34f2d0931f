import type { AgentError } from '../../core/errors.ts';
import { DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import type { HttpAnswer } from '../../io/http.ts';
import { unreachable } from './http-failure.ts';

/** `Last-Modified` and `Date` are whole seconds, and may come from different clock ticks. */
const SETTLED_MS = 2_000;

/** Finds out whether a response with status 200 is damaged. */
export const findDamage = ({ header, body }: HttpAnswer, url: URL): AgentError | undefined => {
  const encoding = header('content-encoding') ?? 'identity';
  if (encoding !== 'identity') {
    const advice = 'let the server send manifests uncompressed';
    return unreachable(
      url,
      `the answer is compressed (${encoding.slice(0, 20)}) without a request for it`,
      advice,
    );
  }
  const announced = header('content-length');
  const isWhole =
    announced === undefined || body.length > DOCUMENT_CAP_BYTES || Number(announced) === body.length;
  if (isWhole) return undefined;
  return unreachable(
    url,
    `${body.length} of ${announced} bytes arrived`,
    'look at the server and the proxies between',
  );
};

/**
 * Whether any later content will have another ETag. nginx makes ETags of mtime in seconds and size, so two
 * publishes in one second can share one; it counts only once that second is over (RFC 9110, 8.8.2.2). An ETag
 * without Last-Modified is trusted.
 */
export const isSettled = ({ header }: HttpAnswer): boolean => {
  const modifiedMs = Date.parse(header('last-modified') ?? '');
  const ageMs = Date.parse(header('date') ?? '') - modifiedMs;
  return Number.isNaN(modifiedMs) || ageMs >= SETTLED_MS;
};
