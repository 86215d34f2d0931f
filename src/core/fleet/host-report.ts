import * as v from 'valibot';
import { reportSchema } from '../hub/report-schema.ts';
import { findStrangeKey } from '../manifest/schema-problem.ts';
import { decodeText, parseJson } from '../manifest/text.ts';
import type { StoredDocument } from '../ports/document-store.ts';
import type { ReportedStatus } from '../status/reported-status.ts';
import type { EpochMs } from '../time.ts';

/** What a host last told. */
export interface HostReport {
  readonly host: string;
  /**
   * When the store got it; where the store does not say, when the host wrote it. By the clock of who reads.
   */
  readonly seenAtMs: EpochMs;
  readonly status: ReportedStatus;
}

type Stored = Pick<StoredDocument, 'bytes' | 'writtenAtMs' | 'readAtMs'>;

const parseTime = (text: unknown): EpochMs | undefined => {
  const ms = typeof text === 'string' ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
};

const toReport = (
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

/** A store tells its time in whole seconds, and takes some to answer. */
const EXACT_MS = 5_000;

/**
 * By how much the store's clock is ahead of ours: silence is judged by how old a report is, not by whose
 * clock is right.
 */
const aheadOf = ({ readAtMs = 0 }: Stored, nowMs: EpochMs): number =>
  readAtMs === 0 || Math.abs(readAtMs - nowMs) < EXACT_MS ? 0 : readAtMs - nowMs;

const valueOf = (bytes: Uint8Array): unknown => {
  const text = decodeText(bytes);
  const json = text === undefined ? undefined : parseJson(text);
  return json?.kind === 'value' ? json.value : undefined;
};

/** One report as it is kept. Undefined: it is none. */
export const readHostReport = (stored: Stored, nowMs: EpochMs): HostReport | undefined =>
  toReport(valueOf(stored.bytes), stored.writtenAtMs, aheadOf(stored, nowMs));

/** The list that a hub gives (docs/HUB.md, `supercargo/fleet/v1`). Undefined: it is none. */
export const readFleetDocument = (stored: Stored, nowMs: EpochMs): readonly HostReport[] | undefined => {
  const value = valueOf(stored.bytes) as { apiVersion?: unknown; hosts?: unknown } | undefined;
  if (value?.apiVersion !== 'supercargo/fleet/v1' || !Array.isArray(value.hosts)) return undefined;
  return (value.hosts as readonly { receivedAt?: unknown; status?: unknown }[]).flatMap(
    ({ receivedAt, status }) => toReport(status, parseTime(receivedAt), aheadOf(stored, nowMs)) ?? [],
  );
};
