import type { Delivery, Report, ReportSink } from '../../core/ports/report-sink.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { createHeartbeats } from './heartbeats.ts';
import {
  exchangeWithStore,
  type StoreAccess,
  type StoreRequest,
  type WholeTimeouts,
} from './store-exchange.ts';
import { refusalOf } from './store-refusal.ts';

export interface ReportStoreOptions extends StoreAccess {
  readonly timeouts?: WholeTimeouts;
  /** Monotonic, in ms. */
  readonly elapsed?: () => number;
}

const TIMEOUTS: WholeTimeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 20_000 };
/** For the body of a refusal. */
const REFUSAL_BYTES = 8 * 1024;

const maxBytes = (status: number): number => (status < 300 ? 0 : REFUSAL_BYTES);

/** One document of a hub, or of any web server that takes PUT. */
export const createReportStore = (options: ReportStoreOptions): ReportSink => {
  const { hubs, timeouts = TIMEOUTS, elapsed = () => performance.now() } = options;
  const heartbeats = createHeartbeats(elapsed);
  let reached: string | undefined;

  const send = async (report: Report, signal: AbortSignal): Promise<Delivery> => {
    let wasHeartbeat = false;
    const requestFor = (url: string): StoreRequest => {
      const headers = heartbeats.headersFor(url, report);
      wasHeartbeat = headers !== undefined;
      const content = headers ? { text: undefined, headers } : { text: report.text() };
      return { method: 'PUT', ...content, timeouts, maxBytes };
    };
    const exchanged = await exchangeWithStore(options, 'send the report to', requestFor, signal);
    if (exchanged.kind === 'failed') return exchanged;
    const { url, answer } = exchanged;
    reached = url;
    if (wasHeartbeat && answer.status < 500) {
      if (answer.status === 204) return { kind: 'delivered' };
      heartbeats.forget();
      // The store has another report of this host, or none.
      return send(report, signal);
    }
    if (answer.status >= 200 && answer.status < 300) {
      heartbeats.see(url, report, answer);
      return { kind: 'delivered' };
    }
    const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
    const error = refusalOf(url, answer);
    return { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
  };

  return { url: () => reached ?? hubs.current(), send };
};
