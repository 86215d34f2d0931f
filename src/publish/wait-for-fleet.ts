import { selectHosts, type HostLabels } from '../core/fleet/host-labels.ts';
import { judgeFleet, type JudgedHost } from '../core/fleet/host-verdict.ts';
import type { HostVerdict } from '../core/fleet/verdict-text.ts';
import type { HostReport } from '../core/fleet/host-report.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { EpochMs } from '../core/time.ts';
import type { EnvironmentStore } from './environment-store.ts';
import type { VerdictKind } from '../core/vocabulary/outcomes.ts';

export interface WaitOptions {
  readonly target: Manifest;
  /** Undefined for all that the store knows, including those that report meanwhile. */
  readonly hosts: readonly string[] | undefined;
  /** Only hosts whose last report has these labels, and named ones that never reported. */
  readonly where?: HostLabels | undefined;
  readonly timeoutMs: number;
  /** The wait ends if more hosts than this fail. */
  readonly maxFailed: number;
  /** Called with each host with a changed verdict; the first time with all hosts. */
  readonly onChange: (changed: readonly WaitedHost[], all: readonly WaitedHost[]) => void;
}

export type WaitedHost = Pick<JudgedHost, 'host' | 'verdict'>;

export type WaitOutcome = 'converged' | 'failed' | 'superseded' | 'timed-out';

export interface Waited {
  readonly outcome: WaitOutcome;
  readonly hosts: readonly WaitedHost[];
  /** Why the store could not be read at the end. */
  readonly trouble: string | undefined;
}

export interface WaitClock {
  readonly now: () => EpochMs;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const LOOK_MS = 1_000;

const judge = (reports: readonly HostReport[], o: WaitOptions, nowMs: EpochMs): readonly WaitedHost[] =>
  selectHosts(judgeFleet(reports, o.hosts, o.target, nowMs), o.where).map(({ host, verdict }) => ({
    host,
    verdict,
  }));

/** The time of a silent host is inexact, and `until` moves with each poll, so neither is news. */
const newsOf = ({ kind, message, faults, sinceMs }: HostVerdict): string =>
  sinceMs === undefined ? JSON.stringify([kind, message, faults]) : kind;

const outcomeOf = (hosts: readonly WaitedHost[], maxFailed: number): WaitOutcome | undefined => {
  const count = (kind: VerdictKind): number => hosts.filter((h) => h.verdict.kind === kind).length;
  if (count('failed') > maxFailed) return 'failed';
  if (count('superseded') > 0) return 'superseded';
  // Without a report there is no success yet. There is none either if every host failed, whatever the limit.
  const isOver = hosts.length > 0 && count('converged') + count('failed') === hosts.length;
  if (!isOver) return undefined;
  return count('converged') > 0 ? 'converged' : 'failed';
};

/** Waits until every host runs the published manifest, too many failed, or the time is over. */
export const waitForFleet = async (
  view: EnvironmentStore,
  o: WaitOptions,
  clock: WaitClock,
  signal: AbortSignal,
): Promise<Waited> => {
  const endMs = clock.now() + o.timeoutMs;
  let hosts: readonly WaitedHost[] = judge([], o, clock.now());
  let shown = new Map<string, string>();
  let trouble: string | undefined;
  for (;;) {
    const startMs = clock.now();
    try {
      hosts = judge(await view.reports(o.hosts, signal), o, clock.now());
      trouble = undefined;
    } catch (error) {
      signal.throwIfAborted();
      // The store may be unreachable for a moment; the hosts go on.
      trouble = error instanceof Error ? error.message : String(error);
    }
    const news = new Map(hosts.map((h) => [h.host, newsOf(h.verdict)]));
    const changed = hosts.filter((h) => shown.get(h.host) !== news.get(h.host));
    shown = news;
    o.onChange(changed, hosts);
    const outcome = trouble === undefined ? outcomeOf(hosts, o.maxFailed) : undefined;
    if (outcome) return { outcome, hosts, trouble };
    const leftMs = endMs - clock.now();
    if (leftMs <= 0) return { outcome: 'timed-out', hosts, trouble };
    // A slow store is read less often.
    const pauseMs = Math.max(LOOK_MS, 2 * (clock.now() - startMs));
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
};
