import type { Delivery, ReportSink } from '../../core/ports/report-sink.ts';
import { parseRetryAfter } from '../../core/retry-after.ts';
import { exchangeWithStore, type StoreAccess, type WholeTimeouts } from './store-exchange.ts';
import { refusalOf } from './store-refusal.ts';

export interface ReportStoreOptions extends StoreAccess {
  readonly timeouts?: WholeTimeouts;
}

const TIMEOUTS: WholeTimeouts = { connectMs: 5_000, responseMs: 10_000, requestMs: 20_000 };
/** For the body of a refusal. */
const REFUSAL_BYTES = 8 * 1024;

const maxBytes = (status: number): number => (status < 300 ? 0 : REFUSAL_BYTES);

/** One document of a hub, or of any web server that takes PUT. */
export const createReportStore = (options: ReportStoreOptions): ReportSink => {
  const { hubs, timeouts = TIMEOUTS } = options;
  let reached: string | undefined;
  return {
    url: () => reached ?? hubs.current(),
    send: async (text, signal): Promise<Delivery> => {
      const request = { method: 'PUT', text, timeouts, maxBytes, doing: 'send the report to' } as const;
      const exchanged = await exchangeWithStore(options, request, signal);
      if (exchanged.kind === 'failed') return exchanged;
      const { url, answer } = exchanged;
      reached = url;
      if (answer.status >= 200 && answer.status < 300) return { kind: 'delivered' };
      const retryAfterMs = parseRetryAfter(answer.header('retry-after'), Date.now());
      const error = refusalOf(url, answer);
      return { kind: 'failed', error, ...(retryAfterMs !== undefined && { retryAfterMs }) };
    },
  };
};
