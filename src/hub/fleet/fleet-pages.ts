import { setImmediate as nextTurn } from 'node:timers/promises';
import { renderHead, renderHost } from '../../core/fleet/fleet-page.ts';
import type { FleetTotals } from '../../core/fleet/fleet-totals.ts';
import { writeCursor, writeRevision, type FleetQuery } from '../../core/fleet/fleet-query.ts';
import { incompleteUntil } from '../../core/hub/hearing.ts';
import type { DesiredManifest } from '../../core/fleet/host-findings.ts';
import { judgedByOf } from '../../core/fleet/judged-by.ts';
import { judgeHost } from '../../core/fleet/host-verdict.ts';
import { selectPage, type IndexedFleet, type PickedHost } from '../../core/fleet/select-page.ts';
import { highestOf } from '../../core/manifest/serial.ts';
import type { ReportedStatus } from '../../core/status/reported-status.ts';
import type { EpochMs } from '../../core/time.ts';
import { readStored } from '../manifests/current-manifest.ts';
import type { Manifests } from '../manifests/manifests.ts';
import { createNaturalOrder } from './natural-order.ts';
import type { Reports } from './reports.ts';

export interface FleetPagesOptions {
  readonly reports: Pick<Reports, 'all' | 'find' | 'hearing' | 'refresh' | 'bytesOf'>;
  readonly manifests: Pick<Manifests, 'current' | 'read' | 'past' | 'serials'>;
  readonly now: () => EpochMs;
}

/** A page ends with the host that passes this size. */
const MOST_BYTES = 4 * 1024 * 1024;
/** So many reports are in memory at once. */
const AT_ONCE = 50;

const TOTALS_ALONE: FleetQuery = { order: 'name', limit: 0, status: 'none' };

interface Judging {
  readonly desired: DesiredManifest | undefined;
  readonly highestPublished: number;
}

/** A stored report was checked when it came, by this hub or another one. */
const statusIn = (bytes: Uint8Array): ReportedStatus =>
  JSON.parse(Buffer.from(bytes).toString('utf8')) as ReportedStatus;

/** The text of a host on a page; undefined if its report was removed meanwhile. */
const entryOf = (
  { host, indexed }: PickedHost,
  bytes: Uint8Array | undefined,
  { desired }: Judging,
  { status, nowMs }: { readonly status: FleetQuery['status']; readonly nowMs: EpochMs },
): string | undefined => {
  if (indexed === undefined) {
    const verdict = judgeHost(undefined, desired, nowMs);
    return renderHost({ host, receivedAtMs: undefined, verdict, labels: {}, serial: null });
  }
  if (bytes === undefined) return undefined;
  const { receivedAtMs, summary } = indexed;
  const report = { host, seenAtMs: receivedAtMs, status: statusIn(bytes) };
  const verdict = judgeHost(report, desired, nowMs);
  const { labels = {}, serial } = summary;
  const head = renderHost({ host, receivedAtMs, verdict, labels, serial });
  return status === 'none' ? head : `${head.slice(0, -1)},"status":${Buffer.from(bytes).toString('utf8')}}`;
};

/** Answers queries about the fleets of a store. @throws AgentError STORE */
export const createFleetPages = ({ reports, manifests, now }: FleetPagesOptions) => {
  const orders = new Map<string, ReturnType<typeof createNaturalOrder>>();

  const fleetOf = (environment: string): IndexedFleet => {
    const order = orders.get(environment) ?? createNaturalOrder();
    const all = reports.all(environment);
    if (all.length === 0) orders.delete(environment);
    else orders.set(environment, order);
    const { life, revision } = reports.hearing(environment);
    return { life, revision, hosts: order(all), find: (host) => reports.find(environment, host) };
  };

  /** Undefined if the history has no such manifest. */
  const judgingBy = async (environment: string, serial: number | undefined): Promise<Judging | undefined> => {
    const current = await manifests.read(environment);
    const highestPublished = current?.serial ?? highestOf(await manifests.serials(environment));
    if (serial === 0) return { desired: undefined, highestPublished };
    const isCurrent = serial === undefined || serial === current?.serial;
    const held = isCurrent ? current : await manifests.past(environment, serial);
    const desired = held && readStored(held.bytes, environment);
    return desired === undefined && serial !== undefined ? undefined : { desired, highestPublished };
  };

  const entriesOf = async (
    environment: string,
    picked: readonly PickedHost[],
    judging: Judging,
    options: { readonly status: FleetQuery['status']; readonly nowMs: EpochMs },
  ): Promise<{ readonly entries: readonly string[]; readonly last: PickedHost | undefined }> => {
    const entries: string[] = [];
    let length = 0;
    for (let first = 0; first < picked.length; first += AT_ONCE) {
      const some = picked.slice(first, first + AT_ONCE);
      const known = some.flatMap(({ host, indexed }) => (indexed === undefined ? [] : [host]));
      const bytesOf = known.length === 0 ? new Map() : await reports.bytesOf(environment, known);
      for (const each of some) {
        const entry = entryOf(each, bytesOf.get(each.host), judging, options);
        if (entry === undefined) continue;
        entries.push(entry);
        length += entry.length;
        if (length > MOST_BYTES) return { entries, last: each };
      }
      // Others get their turn between two groups.
      await nextTurn();
    }
    return { entries, last: picked.at(-1) };
  };

  return {
    /** By the copy of the current manifest, as of the last refresh. */
    totals: (environment: string): FleetTotals => {
      const current = manifests.current(environment);
      const desired = current && readStored(current.bytes, environment);
      const options = {
        desired,
        nowMs: now(),
        highestPublished: current?.serial ?? 0,
        isBounded: true,
      };
      return selectPage(fleetOf(environment), TOTALS_ALONE, options).totals;
    },
    /** The document, or that the history lacks the serial. */
    read: async (environment: string, query: FleetQuery): Promise<Buffer | 'no-serial'> => {
      const judging = await judgingBy(environment, query.serial);
      if (judging === undefined) return 'no-serial';
      await reports.refresh(environment);
      const [nowMs, fleet] = [now(), fleetOf(environment)];
      const { desired } = judging;
      const options = { ...judging, nowMs, isBounded: true };
      const { totals, isWhole, hosts, hasMore } = selectPage(fleet, query, options);
      const serial = desired?.serial ?? 0;
      const head = renderHead({
        environment,
        atMs: nowMs,
        serial: desired?.serial ?? null,
        judgedBy: desired === undefined ? null : judgedByOf(desired),
        revision: writeRevision({ life: fleet.life, number: fleet.revision, serial, atMs: nowMs }),
        isWhole,
        // A named host without a report is in the answer.
        incompleteUntilMs:
          query.hosts === undefined ? incompleteUntil(reports.hearing(environment), nowMs) : undefined,
        totals,
      });
      const { status } = query;
      const { entries, last } = await entriesOf(environment, hosts, judging, { status, nowMs });
      const isCut = last !== hosts.at(-1);
      const next = last !== undefined && (hasMore || isCut) ? writeCursor(last, query.order) : null;
      return Buffer.from(
        `${head.slice(0, -1)},"hosts":[${entries.join(',')}],"next":${JSON.stringify(next)}}\n`,
      );
    },
  };
};
export type FleetPages = ReturnType<typeof createFleetPages>;
