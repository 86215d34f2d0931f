import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import type { HostWord } from '../../../src/core/turns/host-word.ts';
import type { RolloutCommand } from '../../../src/core/turns/rollout-command.ts';
import type { RolloutStatus } from '../../../src/core/turns/rollout-status.ts';
import {
  askTurn,
  followManifest,
  newTurnState,
  obey,
  review,
  rolloutStatus,
  type FleetView,
  revisionOf,
  startedAt,
} from '../../../src/core/turns/rules.ts';
import type { TurnRequest } from '../../../src/core/turns/turn-request.ts';
import type { TurnState } from '../../../src/core/turns/turn-state.ts';
import type { Report, StoreAnswer } from './simulated-host.ts';
import type { Random } from './random.ts';
import type { Timeline } from './timeline.ts';

export const ENVIRONMENT = 'production';

/** Why a state was written. */
export type StoreStep =
  | { readonly kind: 'review' | 'follow' }
  | { readonly kind: 'ask'; readonly host: string; readonly request: TurnRequest }
  | { readonly kind: 'command'; readonly command: RolloutCommand };

export interface StoreWatch {
  readonly written: (before: TurnState, after: TurnState, view: FleetView, step: StoreStep) => void;
  readonly granted: (
    host: string,
    request: TurnRequest,
    services: readonly string[],
    written: { readonly state: TurnState; readonly view: FleetView },
  ) => void;
}

export interface SimulatedStore {
  readonly publish: (manifest: Manifest) => void;
  readonly manifest: () => Manifest | undefined;
  readonly take: (report: Report) => void;
  readonly ask: (host: string, request: TurnRequest, respond: (answer: StoreAnswer) => void) => void;
  readonly command: (command: RolloutCommand) => void;
  readonly removeReport: (host: string) => void;
  readonly read: () => RolloutStatus;
  readonly state: () => TurnState;
  readonly view: () => FleetView;
  readonly kill: (forMs: number) => void;
  /** Keeps a copy of everything but the manifests. */
  readonly backUp: () => void;
  /** Dies, and comes back with the last copy. */
  readonly restore: (forMs: number) => void;
  readonly stepClock: (ms: number) => void;
  readonly isUp: () => boolean;
}

interface StoredReport {
  readonly report: Report;
  readonly takenAtMs: number;
  /** How much time with reports the store had seen when it took this one. */
  readonly heardMs: number;
}

interface Held {
  readonly host: string;
  readonly request: TurnRequest;
  readonly respond: (answer: StoreAnswer) => void;
  isOver: boolean;
}

const isWaiting = (got: StoreAnswer): boolean => got.kind === 'answer' && got.answer.services.length === 0;

const SILENT_MS = 180_000;
const HOLD_MS = 25_000;
/** A host may begin by an answer for so long, also one that a restored store does not know. */
const STARTING_MS = { least: 60_000, most: 180_000 };

/** The store of one environment, in memory: it decides by the rules when it is asked, reported to or read. */
export const createSimulatedStore = ({
  timeline,
  random,
  watch,
  askAgainMs,
}: {
  readonly timeline: Timeline;
  readonly random: Random;
  readonly watch: StoreWatch;
  readonly askAgainMs: readonly [number, number];
}): SimulatedStore => {
  const manifests: Manifest[] = [];
  let state = newTurnState(ENVIRONMENT);
  let reports: ReadonlyMap<string, StoredReport> = new Map();
  let backup: { readonly state: TurnState; readonly reports: typeof reports } | undefined;
  let isUp = true;
  let startMs = timeline.nowMs();
  let clockMs = 0;
  let heardMs = 0;
  let heardAtMs = timeline.nowMs();
  let held: readonly Held[] = [];
  let isWakePlanned = false;
  let starting: { readonly hosts: ReadonlySet<string>; readonly atMs: number } | undefined;

  let last: { readonly reports: unknown; readonly starting: unknown; readonly seen: FleetView } | undefined;

  const now = (): number => timeline.nowMs() + clockMs;

  const startingNow = (): FleetView['starting'] => {
    if (!starting) return null;
    const sinceMs = timeline.nowMs() - starting.atMs;
    const isOver = sinceMs >= STARTING_MS.most || (sinceMs >= STARTING_MS.least && starting.hosts.size === 0);
    if (isOver) starting = undefined;
    return starting
      ? { hosts: [...starting.hosts], untilMs: starting.atMs + clockMs + STARTING_MS.most }
      : null;
  };

  const lookAt = (): FleetView => ({
    nowMs: now(),
    words: [...reports.values()].map((stored): HostWord => ({
      ...stored.report,
      silentMs: heardMs - stored.heardMs,
      isSilent: timeline.nowMs() - stored.takenAtMs > SILENT_MS,
    })),
    starting: startingNow(),
  });

  /** The same object while nothing changes, as in the hub: the rules review it once. */
  const view = (): FleetView => {
    const startingSince = startingNow() && starting;
    const isSame = last?.reports === reports && last.seen.nowMs === now() && last.starting === startingSince;
    if (!last || !isSame) last = { reports, starting: startingSince, seen: lookAt() };
    return last.seen;
  };

  const write = (after: TurnState, seen: FleetView, step: StoreStep): void => {
    if (after === state) return;
    const before = state;
    state = { ...after, revision: before.revision + 1 };
    watch.written(before, state, seen, step);
    wake();
  };

  const follow = (): void => {
    if (manifests.length > 0) write(startedAt(state, startMs), view(), { kind: 'follow' });
    for (const manifest of manifests)
      if (manifest.serial > state.serial)
        write(followManifest(state, manifest, now()), view(), { kind: 'follow' });
  };

  const tryAsk = (host: string, request: TurnRequest): { got: StoreAnswer; mostHeld: number } => {
    follow();
    const seen = view();
    const asked = askTurn(state, seen, host, request);
    write(asked.state, seen, { kind: 'ask', host, request });
    if (asked.kind === 'refused')
      return { got: { kind: 'refused', message: asked.refusal.message }, mostHeld: 0 };
    const { answer, mostHeld } = asked;
    if (answer.services.length > 0) watch.granted(host, request, answer.services, { state, view: seen });
    return { got: { kind: 'answer', answer: { ...answer, revision: revisionOf(state) } }, mostHeld };
  };

  const wake = (): void => {
    if (held.length === 0 || isWakePlanned) return;
    isWakePlanned = true;
    timeline.after(20, () => {
      isWakePlanned = false;
      for (const waiting of held) {
        if (waiting.isOver || !isUp) continue;
        const { got, mostHeld } = tryAsk(waiting.host, waiting.request);
        if (mostHeld > 0 && isWaiting(got)) continue;
        waiting.isOver = true;
        waiting.respond(got);
      }
      held = held.filter(({ isOver }) => !isOver);
    });
  };

  const hold = (host: string, request: TurnRequest, respond: (answer: StoreAnswer) => void): void => {
    const waiting: Held = { host, request, respond, isOver: false };
    held = [...held, waiting];
    timeline.after(HOLD_MS, () => {
      if (waiting.isOver || !isUp) return;
      waiting.isOver = true;
      held = held.filter((other) => other !== waiting);
      const { got } = tryAsk(host, request);
      respond(
        got.kind === 'answer' ? { kind: 'answer', answer: { ...got.answer, askAfterSeconds: 0 } } : got,
      );
    });
  };

  const start = (): void => {
    isUp = true;
    startMs = timeline.nowMs();
    const newestMs = Math.max(...[...reports.values()].map(({ takenAtMs }) => takenAtMs));
    const isFresh = ({ takenAtMs }: StoredReport): boolean => newestMs - takenAtMs <= SILENT_MS;
    const hosts = [...reports].flatMap(([host, stored]) => (isFresh(stored) ? [host] : []));
    starting = { hosts: new Set(hosts), atMs: timeline.nowMs() };
    heardMs = 0;
    heardAtMs = timeline.nowMs();
    reports = new Map([...reports].map(([host, stored]) => [host, { ...stored, heardMs: 0 }]));
  };

  const kill = (forMs: number): void => {
    if (!isUp) return;
    isUp = false;
    for (const waiting of held) {
      waiting.isOver = true;
      waiting.respond({ kind: 'unreachable' });
    }
    held = [];
    timeline.after(forMs, start);
  };

  const isOutdated = ({ host, turns }: Report): boolean => {
    const known = reports.get(host)?.report.turns;
    if (!turns) return false;
    if (state.lives[host]?.replaced.includes(turns.life) === true) return true;
    return known?.life === turns.life && turns.seq <= known.seq;
  };

  return {
    publish: (manifest) => {
      manifests.push(manifest);
      // A publisher or store that dies here leaves the changes to the next contact.
      if (isUp && random.chance(0.5)) follow();
    },
    manifest: () => (isUp ? manifests.at(-1) : undefined),
    take: (report) => {
      if (!isUp || isOutdated(report)) return;
      heardMs += Math.min(90_000, timeline.nowMs() - heardAtMs);
      heardAtMs = timeline.nowMs();
      reports = new Map(reports).set(report.host, { report, takenAtMs: timeline.nowMs(), heardMs });
      if (starting) {
        const hosts = new Set(starting.hosts);
        hosts.delete(report.host);
        starting = { ...starting, hosts };
      }
      follow();
      const seen = view();
      write(review(state, seen), seen, { kind: 'review' });
      wake();
    },
    ask: (host, request, respond) => {
      if (!isUp) {
        respond({ kind: 'unreachable' });
        return;
      }
      const { got, mostHeld } = tryAsk(host, request);
      if (isWaiting(got) && held.length < mostHeld) hold(host, request, respond);
      else if (got.kind === 'answer' && got.answer.services.length === 0) {
        const askAfterSeconds = Math.max(got.answer.askAfterSeconds, random.between(...askAgainMs) / 1000);
        respond({ kind: 'answer', answer: { ...got.answer, askAfterSeconds } });
      } else respond(got);
    },
    command: (command) => {
      if (!isUp) return;
      follow();
      const seen = view();
      const obeyed = obey(state, seen, command);
      if (obeyed.kind === 'done') write(obeyed.state, seen, { kind: 'command', command });
    },
    removeReport: (host) => {
      if (!isUp) return;
      reports = new Map([...reports].filter(([name]) => name !== host));
      const seen = view();
      write(review(state, seen), seen, { kind: 'review' });
    },
    read: () => {
      follow();
      const seen = view();
      write(review(state, seen), seen, { kind: 'review' });
      return rolloutStatus(state, seen);
    },
    state: () => state,
    view,
    kill,
    backUp: () => {
      backup = { state, reports };
    },
    restore: (forMs) => {
      if (!isUp || !backup) return;
      kill(forMs);
      ({ state, reports } = backup);
    },
    stepClock: (ms) => {
      clockMs += ms;
    },
    isUp: () => isUp,
  };
};
