import { judgeFleet, type JudgedHost } from '../core/fleet/host-verdict.ts';
import type { HostVerdict, VerdictKind } from '../core/fleet/verdict.ts';
import type { HostReport } from '../core/fleet/host-report.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { EpochMs } from '../core/time.ts';
import type { EnvironmentStore } from './environment-store.ts';

export interface WaitOptions {
  readonly target: Manifest;
  /** Undefined: those that the store knows, and that report meanwhile. */
  readonly hosts: readonly string[] | undefined;
  readonly timeoutMs: number;
  /** More failed hosts than this end the wait. */
  readonly maxFailed: number;
  /** Called with every host whose verdict has changed, and at the first look with all. */
  readonly onChange: (changed: readonly WaitedHost[], all: readonly WaitedHost[]) => void;
}

export type WaitedHost = Pick<JudgedHost, 'host' | 'verdict'>;

export type WaitOutcome = 'converged' | 'failed' | 'superseded' | 'timed-out';

export interface Waited {
  readonly outcome: WaitOutcome;
  readonly hosts: readonly WaitedHost[];
  /** The store could not be read at the end; why. */
  readonly trouble: string | undefined;
}

export interface WaitClock {
  readonly now: () => EpochMs;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const LOOK_MS = 1_000;

const judge = (reports: readonly HostReport[], o: WaitOptions, nowMs: EpochMs): readonly WaitedHost[] =>
  judgeFleet(reports, o.hosts, o.target, nowMs).map(({ host, verdict }) => ({ host, verdict }));

/**
 * Since when a host is silent is known to the second at best, and when it asks again moves with each poll: no
 * news.
 */
const newsOf = ({ kind, message, faults, sinceMs }: HostVerdict): string =>
  sinceMs === undefined ? JSON.stringify([kind, message, faults]) : kind;

const outcomeOf = (hosts: readonly WaitedHost[], maxFailed: number): WaitOutcome | undefined => {
  const count = (kind: VerdictKind): number => hosts.filter((h) => h.verdict.kind === kind).length;
  if (count('failed') > maxFailed) return 'failed';
  if (count('superseded') > 0) return 'superseded';
  // Nothing reported is not success: the first report is waited for. Nor is it one where every host failed,
  // however many may.
  const isOver = hosts.length > 0 && count('converged') + count('failed') === hosts.length;
  if (!isOver) return undefined;
  return count('converged') > 0 ? 'converged' : 'failed';
};

/** Looks until every host runs what was published, too many have failed, or the time is over. */
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
      // The store may be away for a moment; what hosts do goes on.
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
    // A store that takes long to answer is asked less often.
    const pauseMs = Math.max(LOOK_MS, 2 * (clock.now() - startMs));
    await clock.sleep(Math.min(pauseMs, leftMs), signal);
  }
};
