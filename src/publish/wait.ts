import { judgeHost, type HostVerdict } from '../core/fleet/judge.ts';
import type { HostReport } from '../core/fleet/report.ts';
import type { Manifest } from '../core/manifest/model.ts';
import type { EpochMs } from '../core/time.ts';
import type { EnvironmentStore } from './store.ts';

export interface WaitOptions {
  readonly target: Manifest;
  /** Undefined: those that the store knows, and that report meanwhile. */
  readonly hosts: readonly string[] | undefined;
  readonly timeoutMs: number;
  /** More failed hosts than this end the wait. */
  readonly maxFailed: number;
  /** Called with every host whose verdict has changed, and at the first look with all. */
  readonly onChange: (changed: readonly JudgedHost[], all: readonly JudgedHost[]) => void;
}

export interface JudgedHost {
  readonly host: string;
  readonly verdict: HostVerdict;
}

export type WaitOutcome = 'converged' | 'failed' | 'superseded' | 'timed-out';

export interface Waited {
  readonly outcome: WaitOutcome;
  readonly hosts: readonly JudgedHost[];
  /** The store could not be read at the end; why. */
  readonly trouble: string | undefined;
}

export interface WaitClock {
  readonly now: () => EpochMs;
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
}

const LOOK_MS = 1_000;

const judge = (reports: readonly HostReport[], o: WaitOptions, nowMs: EpochMs): readonly JudgedHost[] => {
  const byHost = new Map(reports.map((r) => [r.host, r]));
  const names = o.hosts ?? [...byHost.keys()];
  return names.toSorted().map((host) => ({ host, verdict: judgeHost(byHost.get(host), o.target, nowMs) }));
};

/** Since when a host is silent is known to the second at best, and no news. */
const wordsOf = (verdict: HostVerdict): string =>
  'sinceMs' in verdict ? verdict.kind : JSON.stringify(verdict);

const outcomeOf = (hosts: readonly JudgedHost[], maxFailed: number): WaitOutcome | undefined => {
  const count = (kind: HostVerdict['kind']): number => hosts.filter((h) => h.verdict.kind === kind).length;
  if (count('failed') > maxFailed) return 'failed';
  if (count('superseded') > 0) return 'superseded';
  const isOver = count('converged') + count('failed') === hosts.length;
  return hosts.length > 0 && isOver ? 'converged' : undefined;
};

/** Looks until every host runs what was published, too many have failed, or the time is over. */
export const waitForFleet = async (
  view: EnvironmentStore,
  o: WaitOptions,
  clock: WaitClock,
  signal: AbortSignal,
): Promise<Waited> => {
  const endMs = clock.now() + o.timeoutMs;
  let hosts: readonly JudgedHost[] = judge([], o, clock.now());
  let told = new Map<string, string>();
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
    const words = new Map(hosts.map((h) => [h.host, wordsOf(h.verdict)]));
    const changed = hosts.filter((h) => told.get(h.host) !== words.get(h.host));
    told = words;
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
