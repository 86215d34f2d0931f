import * as v from 'valibot';
import { reportSchema } from '../hub/report-schema.ts';
import { findStrangeKey } from '../manifest/problem.ts';
import { decodeText, parseJson } from '../manifest/text.ts';
import type { Status } from '../status/status.ts';
import type { EpochMs } from '../time.ts';

/** What a host last told. */
export interface HostReport {
  readonly host: string;
  /** When the store got it; where the store does not say, when the host wrote it. */
  readonly seenAtMs: EpochMs;
  readonly status: Status;
}

const toReport = (value: unknown, seenAt: unknown): HostReport | undefined => {
  if (findStrangeKey(value) !== undefined) return undefined;
  const parsed = v.safeParse(reportSchema, value);
  if (!parsed.success) return undefined;
  const told = typeof seenAt === 'string' ? Date.parse(seenAt) : Number.NaN;
  const status = parsed.output as Status;
  return { host: status.host, seenAtMs: Number.isNaN(told) ? Date.parse(status.at) : told, status };
};

const valueOf = (bytes: Uint8Array): unknown => {
  const text = decodeText(bytes);
  const json = text === undefined ? undefined : parseJson(text);
  return json?.kind === 'value' ? json.value : undefined;
};

/** One report as it is kept. Undefined: it is none. */
export const readHostReport = (bytes: Uint8Array): HostReport | undefined =>
  toReport(valueOf(bytes), undefined);

/** The list that a hub gives (docs/HUB.md, `supercargo/fleet/v1`). Undefined: it is none. */
export const readFleetDocument = (bytes: Uint8Array): readonly HostReport[] | undefined => {
  const value = valueOf(bytes) as { apiVersion?: unknown; hosts?: unknown } | undefined;
  if (value?.apiVersion !== 'supercargo/fleet/v1' || !Array.isArray(value.hosts)) return undefined;
  return (value.hosts as readonly { receivedAt?: unknown; status?: unknown }[]).flatMap(
    (entry) => toReport(entry.status, entry.receivedAt) ?? [],
  );
};
