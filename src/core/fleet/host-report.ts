import * as v from 'valibot';
import { reportSchema } from '../hub/report-schema.ts';
import { findStrangeKey } from '../manifest/schema-problem.ts';
import { decodeText, parseJson } from '../manifest/text.ts';
import type { StoredDocument } from '../ports/document-store.ts';
import type { ReportedStatus } from '../status/reported-status.ts';
import type { EpochMs } from '../time.ts';

/** A host's last report. */
export interface HostReport {
  readonly host: string;
  /** When the store received it, else when the host wrote it; by the reader's clock. */
  readonly seenAtMs: EpochMs;
  readonly status: ReportedStatus;
}

type Stored = Pick<StoredDocument, 'bytes' | 'writtenAtMs' | 'readAtMs'>;

const parseTime = (text: unknown): EpochMs | undefined => {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
};

export const toReport = (
  value: unknown,
  writtenAtMs: EpochMs | undefined,
  aheadMs: number,
): HostReport | undefined => {
  if (findStrangeKey(value) !== undefined) return undefined;
  const parsed = v.safeParse(reportSchema, value, { abortEarly: true });
  if (!parsed.success) return undefined;
  const status: ReportedStatus = parsed.output;
  const seenAtMs = writtenAtMs === undefined ? Date.parse(status.at) : writtenAtMs - aheadMs;
  return { host: status.host, seenAtMs, status };
};

/** A store's time has whole seconds, and its response takes some time. */
const EXACT_MS = 5_000;

/** How far the store's clock is ahead of ours, so that a report's age does not depend on either clock. */
export const aheadOf = ({ readAtMs = 0 }: Stored, nowMs: EpochMs): number =>
  readAtMs === 0 || Math.abs(readAtMs - nowMs) < EXACT_MS ? 0 : readAtMs - nowMs;

export const valueOf = (bytes: Uint8Array): unknown => {
  const text = decodeText(bytes);
  const json = text === undefined ? undefined : parseJson(text);
  return json?.kind === 'value' ? json.value : undefined;
};

/** A stored report. Undefined if the document is no report. */
export const readHostReport = (stored: Stored, nowMs: EpochMs): HostReport | undefined =>
  toReport(valueOf(stored.bytes), stored.writtenAtMs, aheadOf(stored, nowMs));

/** A hub's list of reports (docs/HUB.md, `supercargo/fleet/v1`). Undefined if the document is no list. */
export const readFleetDocument = (stored: Stored, nowMs: EpochMs): readonly HostReport[] | undefined => {
  const value = valueOf(stored.bytes) as { apiVersion?: unknown; hosts?: unknown } | undefined;
  if (value?.apiVersion !== 'supercargo/fleet/v1' || !Array.isArray(value.hosts)) return undefined;
  return (value.hosts as readonly { receivedAt?: unknown; status?: unknown }[]).flatMap(
    ({ receivedAt, status }) => toReport(status, parseTime(receivedAt), aheadOf(stored, nowMs)) ?? [],
  );
};
