import { messageOf } from '../core/errors.ts';
import type { FleetPage, PageHost } from '../core/fleet/fleet-page.ts';
import { NO_TOTALS, type FleetTotals } from '../core/fleet/fleet-totals.ts';
import type { HostLabels } from '../core/fleet/host-labels.ts';
import type { HostVerdict } from '../core/fleet/verdict-text.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { EpochMs } from '../core/time.ts';
import type { EnvironmentStore } from './environment-store.ts';
import { readAwaited, type WaitedHost, type WhichHosts } from './read-awaited.ts';

export interface WaitOptions {
  readonly target: Manifest;
  /** Undefined for all that the store knows, including those that report meanwhile. */
  readonly hosts: readonly string[] | undefined;
  /** Only hosts whose last report has these labels, and named ones that never reported. */
  readonly where?: HostLabels | undefined;
  readonly timeoutMs: number;
  /** The wait ends if more hosts than this fail. */
  readonly maxFailed: number;
  /** The hosts that the result has. */
  readonly which: WhichHosts;
  /** Called after each reading. */
  readonly onPoll: (progress: WaitProgress, signal: AbortSignal) => Promise<void> | void;
}

export interface WaitProgress {
  readonly totals: FleetTotals;
  /** Until then hosts may be missing (`FleetPage.incompleteUntilMs`). */
  readonly incompleteUntilMs: EpochMs | undefined;
  /** With a verdict that was not told before, the first time all; undefined if they are many. */
  readonly changed: readonly WaitedHost[] | undefined;
  /** All hosts, if they are few. */
  readonly all: readonly WaitedHost[] | undefined;
}

export type WaitOutcome = 'converged' | 'failed' | 'superseded' | 'timed-out';

export interface Waited {
  readonly outcome: WaitOutcome;
  readonly totals: FleetTotals;
  /** As in `WaitProgress`. */
  readonly incompleteUntilMs: EpochMs | undefined;
  /** In natural order. */
  readonly hosts: readonly WaitedHost[];
  /** Why the store could not be read at the end. */
  readonly trouble: string | undefined;
}

export interface WaitClock {
  readonly now: () => EpochMs;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const LOOK_MS = 1_000;

/** More changes of one moment are told as one number. */
export const MOST_NEWS = 20;

/** The time of a silent host is inexact, and `until` moves with each poll, so neither is news. */
const newsOf = ({ kind, message, faults, sinceMs }: HostVerdict): string =>
  sinceMs === undefined ? JSON.stringify([kind, message, faults]) : kind;

const outcomeOf = (
  { totals: { hosts, kinds }, incompleteUntilMs }: Pick<Waited, 'totals' | 'incompleteUntilMs'>,
  maxFailed: number,
): WaitOutcome | undefined => {
  const { failed, superseded, converged } = kinds;
  if (failed > maxFailed) return 'failed';
  if (superseded > 0) return 'superseded';
  // Hosts that are not heard yet may lack the manifest.
  if (incompleteUntilMs !== undefined) return undefined;
  // Without a report there is no success yet. There is none either if every host failed, whatever the limit.
  const isOver = hosts > 0 && converged + failed === hosts;
  if (!isOver) return undefined;
  return converged > 0 ? 'converged' : 'failed';
};

const waited = ({ host, verdict }: PageHost): WaitedHost => ({ host, verdict });

/** Follows the hosts by their news: all of a small fleet each time, of a large one those that changed. */
const createNews = () => {
  let told = new Map<string, string>();
  return {
    of: ({ hosts, isWhole, next }: FleetPage): WaitProgress['changed'] => {
      const news = hosts.map((host) => [host.host, newsOf(host.verdict)] as const);
      const isAll = isWhole && next === undefined;
      const changed = hosts.filter((_, at) => told.get(news[at]?.[0] ?? '') !== news[at]?.[1]);
      // A host that left is told again if it returns.
      told = new Map(isAll ? news : [...told, ...news]);
      return next === undefined && changed.length <= MOST_NEWS ? changed.map(waited) : undefined;
    },
  };
};

/** Waits until every host runs the published manifest, too many failed, or the time is over. */
export const waitForFleet = async (
  view: Pick<EnvironmentStore, 'fleet'>,
  o: WaitOptions,
  clock: WaitClock,
  signal: AbortSignal,
): Promise<Waited> => {
  const endMs = clock.now() + o.timeoutMs;
  const selection = { target: o.target, hosts: o.hosts, where: o.where };
  const news = createNews();
  let last: Pick<WaitProgress, 'totals' | 'incompleteUntilMs' | 'all'> = {
    totals: NO_TOTALS,
    incompleteUntilMs: undefined,
    all: undefined,
  };
  let since: string | undefined;

  const poll = async (): Promise<void> => {
    const page = await view.fleet({ ...selection, limit: MOST_NEWS, since }, signal);
    const { totals, hosts, isWhole, incompleteUntilMs, next, revision } = page;
    const all = isWhole && next === undefined ? hosts.map(waited) : undefined;
    last = { totals, incompleteUntilMs, all };
    // A small fleet is read anew each time, so that hosts that left are known.
    since = totals.hosts <= MOST_NEWS || revision === '' ? undefined : revision;
    await o.onPoll({ ...last, changed: news.of(page) }, signal);
  };
  const end = async (outcome: WaitOutcome, trouble: string | undefined): Promise<Waited> => ({
    outcome,
    totals: last.totals,
    incompleteUntilMs: last.incompleteUntilMs,
    ...(await readAwaited(view, { ...selection, which: o.which, known: last.all, trouble }, signal)),
  });

  for (;;) {
    const startMs = clock.now();
    let trouble: string | undefined;
    try {
      await poll();
    } catch (error) {
      signal.throwIfAborted();
      // The store may be unreachable for a moment; the hosts go on.
      trouble = messageOf(error);
    }
    const outcome = trouble === undefined ? outcomeOf(last, o.maxFailed) : undefined;
    if (outcome) return end(outcome, trouble);
    const leftMs = endMs - clock.now();
    if (leftMs <= 0) return end('timed-out', trouble);
    // A slow store is read less often.
    const pauseMs = Math.max(LOOK_MS, 2 * (clock.now() - startMs));
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
};
