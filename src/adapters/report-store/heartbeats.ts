import { HEARTBEAT_HEADER, HEARTBEAT_YES, SEQ_HEADER } from '../../core/hub/heartbeat-header.ts';
import type { Report } from '../../core/ports/report-sink.ts';
import type { HttpAnswer } from '../../io/http.ts';

/** A whole report comes at least every quarter of an hour: this, and the time until the next heartbeat. */
const WHOLE_MS = 14 * 60_000;

/** RFC 9110, section 8.8.3. If-Match compares strongly, so that a weak one never matches. */
const STRONG_ETAG = /^"[\x21\x23-\x7e]*"$/;

/** What a store that takes heartbeats holds of this host. */
interface Held {
  readonly url: string;
  readonly etag: string;
  readonly substance: string;
  readonly wholeAtMs: number;
}

/** Decides whether a heartbeat stands for a report. Only a store that has asked for them gets one. */
export interface Heartbeats {
  /** Headers of the heartbeat; undefined: the report is sent whole. */
  readonly headersFor: (url: string, report: Report) => Readonly<Record<string, string>> | undefined;
  /** Takes the answer to a report that was sent whole and delivered. */
  readonly see: (url: string, report: Report, answer: HttpAnswer) => void;
  /** After a refused heartbeat. */
  readonly forget: () => void;
}

export const createHeartbeats = (elapsed: () => number): Heartbeats => {
  let held: Held | undefined;
  return {
    headersFor: (url, { substance, seq }) => {
      if (seq === undefined || held?.url !== url || held.substance !== substance) return undefined;
      if (elapsed() - held.wholeAtMs >= WHOLE_MS) return undefined;
      return { 'if-match': held.etag, [HEARTBEAT_HEADER]: HEARTBEAT_YES, [SEQ_HEADER]: String(seq) };
    },
    see: (url, { substance }, { header }) => {
      const etag = header('etag') ?? '';
      const isHeld = header(HEARTBEAT_HEADER) === HEARTBEAT_YES && STRONG_ETAG.test(etag);
      held = isHeld ? { url, etag, substance, wholeAtMs: elapsed() } : undefined;
    },
    forget: () => {
      held = undefined;
    },
  };
};
