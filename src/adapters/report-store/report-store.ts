import { AgentError, messageOf } from '../../core/errors.ts';
import { headerOfToken } from '../../core/hub/tokens.ts';
import type { Delivery, ReportSink } from '../../core/ports/report-sink.ts';
import { parseRefusal } from '../../core/hub/refusal.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { exchange, type HttpAnswer, type Timeouts } from '../../io/http.ts';
import type { TlsMaterial } from '../../io/tls-files.ts';
import { readToken, type TokenSource } from './token.ts';

export interface ReportStoreOptions {
  /** The URL of this host's report. */
  readonly url: string;
  readonly token: TokenSource;
  /** Reads the certificates, at every report. @throws AgentError CREDENTIALS */
  readonly readTls: (signal: AbortSignal) => Promise<TlsMaterial>;
  readonly timeouts?: WholeTimeouts;
}

type WholeTimeouts = Timeouts & { readonly responseMs: number; readonly requestMs: number };

const TIMEOUTS: WholeTimeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 20_000 };
/** For the body of a refusal. */
const REFUSAL_BYTES = 8 * 1024;

const maxBytesOf = (status: number): number => (status < 300 ? 0 : REFUSAL_BYTES);

const failed = (error: AgentError, retryAfterMs?: number): Delivery => ({
  kind: 'failed',
  error,
  ...(retryAfterMs !== undefined && { retryAfterMs }),
});

const reasonIn = (body: Buffer): string =>
  (parseRefusal(body.toString('utf8'))?.message ?? '').replaceAll(/\p{Cc}/gu, ' ').slice(0, 300);

const ADVICE: Readonly<Record<number, string>> = {
  401:
    'set SUPERCARGO_REPORT_TOKEN or SUPERCARGO_REPORT_TOKEN_FILE to the token that ' +
    '`supercargo hub token ENV HOST` prints for this host',
  403: 'the token is that of another host or environment: make one with `supercargo hub token ENV HOST`',
  404: 'check SUPERCARGO_REPORT_URL: reports are kept below it, in reports/ENV/HOST.json',
  405: 'check SUPERCARGO_REPORT_URL, and that the server takes PUT there (for nginx: dav_methods PUT)',
  409: 'check that the server may make folders there (for nginx: create_full_put_path on)',
  413: 'raise the limit of the server for bodies to 256 KiB (for nginx: client_max_body_size)',
};

const refusalOf = (url: string, { status, body, header }: HttpAnswer): AgentError => {
  const reason = reasonIn(body);
  const isPassing = status === 429 || status >= 500;
  const redirected =
    header('location') === undefined ? '' : ' with a redirect, which the agent does not follow';
  return new AgentError(
    status === 401 || status === 403 ? 'CREDENTIALS' : 'STORE',
    `${url} answered ${String(status)}${reason === '' ? redirected : `: ${reason}`}`,
    {
      retry: 'later',
      advice:
        ADVICE[status] ??
        (isPassing
          ? 'look at the server; the agent tries again by itself'
          : 'check SUPERCARGO_REPORT_URL: the server must answer with status 200, 201 or 204'),
      fields: { status },
    },
  );
};

/**
 * got's error is not kept as the cause, because it carries the request with its token, and a logger would
 * print it.
 */
const unreachable = (url: string, reason: string): AgentError =>
  new AgentError('STORE', `cannot send the report to ${url}: ${reason}`, {
    retry: 'later',
    advice:
      'check the server, its name, port and certificate, and the network; the agent tries again by itself',
  });

/** One document of a hub, or of any web server that takes PUT. Proxies of the environment are ignored. */
export const createReportStore = (options: ReportStoreOptions): ReportSink => {
  const { url, token: source, readTls, timeouts = TIMEOUTS } = options;
  return {
    url,
    send: async (text, signal) => {
      signal.throwIfAborted();
      const limit = AbortSignal.timeout(timeouts.requestMs);
      const both = AbortSignal.any([signal, limit]);
      try {
        const token = await readToken(source, both);
        const headers = {
          'content-type': 'application/json; charset=utf-8',
          ...(token !== undefined && { authorization: headerOfToken(token) }),
        };
        const tls = await readTls(both);
        const request = { url: new URL(url), method: 'PUT', headers, body: text, tls } as const;
        const limits = { ...timeouts, sendMs: timeouts.responseMs };
        const answer = await exchange({ ...request, timeouts: limits }, maxBytesOf, both);
        if (answer.status >= 200 && answer.status < 300) return { kind: 'delivered' };
        return failed(refusalOf(url, answer), parseRetryAfter(answer.header('retry-after'), Date.now()));
      } catch (error) {
        signal.throwIfAborted();
        if (error instanceof AgentError) return failed(error);
        const reason = limit.aborted
          ? `no answer within ${String(timeouts.requestMs / 1000)} s`
          : messageOf(error);
        return failed(unreachable(url, reason));
      }
    },
  };
};
