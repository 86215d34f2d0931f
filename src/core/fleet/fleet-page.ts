import * as v from 'valibot';
import { AgentError } from '../errors.ts';
import { formatProblems, problemsOf } from '../manifest/schema-problem.ts';
import type { StoredDocument } from '../ports/document-store.ts';
import { VERDICT_KINDS, type VerdictKind } from '../vocabulary/outcomes.ts';
import { isoTime, type EpochMs } from '../time.ts';
import { kindCounts, type FleetTotals } from './fleet-totals.ts';
import { aheadOf, toReport, valueOf, type HostReport } from './host-report.ts';
import type { HostLabels } from './host-labels.ts';
import type { HostVerdict } from './verdict-text.ts';

export const FLEET_PAGE = 'supercargo/fleet-page/v1';

/** A host on a page. */
export interface PageHost {
  readonly host: string;
  readonly verdict: HostVerdict;
  /** Undefined if it never reported; of a page without reports. */
  readonly report: HostReport | undefined;
}

/** One answer about a fleet, as its readers use it. */
export interface FleetPage {
  readonly atMs: EpochMs;
  readonly revision: string;
  /**
   * `judgedByOf` the manifest that the hub has judged the hosts by; undefined of an older one, or without a
   * manifest.
   */
  readonly judgedBy?: string | undefined;
  /** The hosts are those of the selection, and not only those that changed after `since`. */
  readonly isWhole: boolean;
  /** The store has lost its reports: until then hosts may be missing that were not named. */
  readonly incompleteUntilMs: EpochMs | undefined;
  readonly totals: FleetTotals;
  readonly hosts: readonly PageHost[];
  /** Undefined on the last page. */
  readonly next: string | undefined;
}

/** The document without its list of hosts. */
export interface PageHead {
  readonly environment: string;
  readonly atMs: EpochMs;
  readonly serial: number | null;
  readonly judgedBy: string | null;
  readonly revision: string;
  readonly isWhole: boolean;
  readonly incompleteUntilMs: EpochMs | undefined;
  readonly totals: FleetTotals;
}

export interface HostHead {
  readonly host: string;
  readonly receivedAtMs: EpochMs | undefined;
  readonly verdict: HostVerdict;
  readonly labels: HostLabels;
  readonly serial: number | null;
}

export const renderHead = ({ atMs, incompleteUntilMs, ...head }: PageHead): string =>
  JSON.stringify({
    apiVersion: FLEET_PAGE,
    ...head,
    at: isoTime(atMs),
    incompleteUntil: incompleteUntilMs === undefined ? null : isoTime(incompleteUntilMs),
  });

export const renderHost = ({ receivedAtMs, ...head }: HostHead): string =>
  JSON.stringify({ ...head, receivedAt: receivedAtMs === undefined ? null : isoTime(receivedAtMs) });

const text = v.string();
const maybe = v.nullable(text);
const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const some = v.object({ hosts: count, first: v.array(v.object({ host: text, agent: text })) });

const totals = v.object({
  hosts: count,
  reported: count,
  kinds: v.record(text, count),
  words: v.array(v.object({ word: text, hosts: count })),
  highestSerial: v.nullable(count),
  serials: v.array(v.object({ serial: count, hosts: count, first: text })),
  labels: v.array(v.object({ label: text, hosts: count })),
  moreLabels: count,
  tooOld: some,
  withoutTurns: some,
  alwaysWithoutTurns: some,
  runs: v.array(v.object({ entry: text, version: text, hosts: count })),
});

const finding = {
  service: maybe,
  reason: maybe,
  message: text,
  advice: maybe,
};

const verdict = v.object({
  ...finding,
  kind: text,
  word: text,
  until: maybe,
  faults: v.array(v.object({ ...finding, reason: text, log: v.array(text) })),
  sinceMs: v.optional(v.number()),
});

const page = v.object({
  apiVersion: v.literal(FLEET_PAGE),
  at: v.pipe(text, v.isoTimestamp()),
  revision: text,
  judgedBy: v.optional(maybe),
  isWhole: v.boolean(),
  incompleteUntil: v.optional(v.nullable(v.pipe(text, v.isoTimestamp()))),
  totals,
  hosts: v.array(
    v.object({
      host: text,
      receivedAt: v.nullable(v.pipe(text, v.isoTimestamp())),
      verdict,
      status: v.optional(v.unknown()),
    }),
  ),
  next: maybe,
});

/** A kind of a newer hub is not done yet. */
const kindOf = (word: string): VerdictKind => VERDICT_KINDS.find((kind) => kind === word) ?? 'pending';

const readKinds = (kinds: Readonly<Record<string, number>>): FleetTotals['kinds'] =>
  kindCounts((kind) =>
    Object.entries(kinds).reduce((sum, [word, hosts]) => (kindOf(word) === kind ? sum + hosts : sum), 0),
  );

/**
 * A page of a hub. Undefined if the document is none, such as the whole list of an older hub.
 * @throws AgentError STORE if it is a page that cannot be read
 */
export const readFleetPage = (
  stored: Pick<StoredDocument, 'bytes' | 'writtenAtMs' | 'readAtMs'>,
  nowMs: EpochMs,
): FleetPage | undefined => {
  const value = valueOf(stored.bytes) as { apiVersion?: unknown } | undefined;
  if (value?.apiVersion !== FLEET_PAGE) return undefined;
  const parsed = v.safeParse(page, value, { abortEarly: true });
  if (!parsed.success) {
    const problem = formatProblems(problemsOf(parsed.issues));
    throw new AgentError('STORE', `the hub's page of its fleet is not valid: ${problem}`, {
      advice: 'use a supercargo of the same release line as the hub',
    });
  }
  const { at, revision, judgedBy, isWhole, incompleteUntil, totals: counted, hosts, next } = parsed.output;
  const aheadMs = aheadOf(stored, nowMs);
  return {
    atMs: Date.parse(at) - aheadMs,
    revision,
    judgedBy: judgedBy ?? undefined,
    isWhole,
    incompleteUntilMs: incompleteUntil ? Date.parse(incompleteUntil) - aheadMs : undefined,
    totals: { ...counted, kinds: readKinds(counted.kinds) },
    hosts: hosts.map(({ host, receivedAt, verdict: { sinceMs, kind, ...judged }, status }) => ({
      host,
      verdict: {
        ...judged,
        kind: kindOf(kind),
        ...(sinceMs !== undefined && { sinceMs: sinceMs - aheadMs }),
      },
      report:
        receivedAt === null || status === undefined
          ? undefined
          : toReport(status, Date.parse(receivedAt), aheadMs),
    })),
    next: next ?? undefined,
  };
};
