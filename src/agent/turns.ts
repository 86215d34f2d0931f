import { BACKOFF, nextDelayMs } from '../core/backoff.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { HostPlan, ServicePlan } from '../core/plan/host-plan.ts';
import type { Asked, TurnSource } from '../core/ports/turn-source.ts';
import type { TurnsStatus } from '../core/status/status-document.ts';
import type { EpochMs } from '../core/time.ts';
import { GRANT_MS } from '../core/turns/timeouts.ts';
import type { JobWord, TurnAnswer, TurnWish } from '../core/turns/turn-request.ts';
import type { Heard, TurnView } from '../core/turns/turn-view.ts';
import { createWake } from './wake.ts';

/** How long the first release of a service waits for an answer. */
const FIRST_MS = 10_000;
/** The shortest time between two requests. */
const LEAST_MS = 250;
/** Until a store without turns is asked again, as it may have been upgraded. */
const NONE_MS = 60_000;
/** Until the store is asked again that has another version than this host. */
const OTHER_VERSION_MS = 5_000;

const NO_STORE = 'SUPERCARGO_REPORT_URL is not set, so no store hands out turns';

export interface TurnsOptions {
  readonly mode: TurnsStatus['mode'];
  /** Undefined without a report store. */
  readonly source: TurnSource | undefined;
  /** Random at each start of the agent. */
  readonly life: string;
  readonly now: () => EpochMs;
  /** Monotonic, in ms. */
  readonly elapsed: () => number;
  readonly random: () => number;
  /** What a request says of the host; undefined before the first observation. */
  readonly host: () => { readonly serial: number; readonly engine: string } | undefined;
  /** Whether a step of the service is in progress, or ended after the last observation began. */
  readonly isBusy: (service: string) => boolean;
  /** Called after every answer, and after every failure to get one. */
  readonly onNews: () => void;
  readonly onGranted: (services: readonly string[]) => void;
  /** Jobs that this host has asked for, and that have run elsewhere in the fleet. */
  readonly onDone: (jobs: readonly JobWord[]) => void;
}

interface Named {
  readonly release: string;
  readonly attempt: number;
}

interface Granted extends Named {
  readonly kind: 'granted';
  /** When it was asked for, by both clocks. */
  readonly askedAt: number;
  readonly askedAtMs: EpochMs;
  /** A container or a job of it exists: it needs no turn any more, but keeps this one. */
  readonly isBegun: boolean;
  /** The last plan said that it has begun, and so do reports. */
  readonly isShown: boolean;
  /** A step was taken by it, whose result no observation has shown yet: it does not expire meanwhile. */
  readonly isUsed: boolean;
}

type Known =
  | Granted
  | Extract<Heard, { kind: 'refused' }>
  | (Named & { readonly kind: 'unanswered'; readonly message: string; readonly askedAt: number });

interface Flight {
  readonly wishes: readonly TurnWish[];
  readonly askedAt: number;
  readonly askedAtMs: EpochMs;
  readonly abort: AbortController;
}

/** Asks the store for what the plan waits for. The loop never waits for it; an answer wakes the loop. */
export interface Turns {
  /** What a plan may begin by; undefined if no switch under this manifest needs a turn. */
  readonly view: (manifest: Manifest | undefined, nowMs: EpochMs) => TurnView | undefined;
  /** Takes what the plan wishes, and drops turns that it no longer wants. Call once the plan is in force. */
  readonly see: (plan: HostPlan) => void;
  /** Settles when the signal aborts. `onOtherVersion`: the store has another manifest than this host. */
  readonly run: (signal: AbortSignal, onOtherVersion: () => void) => Promise<void>;
  /** Whether an answer is due, or a wait for one soon ends. */
  readonly isOpen: () => boolean;
  readonly state: () => TurnsStatus;
  /** Services for which a step is under way that began by a turn; no observation shows its result yet. */
  readonly underWay: () => ReadonlySet<string>;
  /** The next number of a request or report. */
  readonly nextSeq: () => number;
  /** The agent ends: it begins nothing any more. */
  readonly end: () => void;
}

export const createTurns = (options: TurnsOptions): Turns => {
  const { mode, source, life, now, elapsed, isBusy } = options;
  const wake = createWake();
  const known = new Map<string, Known>();
  let seq = 0;
  let wishes: readonly TurnWish[] = [];
  let mostMs = 0;
  let flight: Flight | undefined;
  let dueAt = -Infinity;
  let lastAskedAt = -Infinity;
  let failures = 0;
  let store: TurnsStatus['store'] = 'unknown';
  let message: string | null = null;
  let revision: number | null = null;

  const isExpired = ({ askedAt, askedAtMs, isBegun, isUsed }: Granted): boolean =>
    !isBegun && !isUsed && (elapsed() - askedAt >= GRANT_MS || Math.abs(now() - askedAtMs) >= GRANT_MS);

  const wanted = (): readonly TurnWish[] =>
    wishes.filter(({ service }) => {
      const entry = known.get(service);
      return entry?.kind !== 'granted' || isExpired(entry);
    });

  const abort = (): void => {
    flight?.abort.abort();
    flight = undefined;
  };

  /** Notes what was heard about the wishes of a request that the plan still has. */
  const note = ({ wishes: named }: Flight, heard: (wish: TurnWish) => Known): void => {
    for (const wish of named) if (wishes.some((w) => isSame(w, wish))) known.set(wish.service, heard(wish));
  };

  const unanswered = (asked: Flight, why: string): void => {
    message = why;
    note(asked, ({ service, release, attempt }) => {
      const before = known.get(service);
      const askedAt = before?.kind === 'unanswered' ? before.askedAt : asked.askedAt;
      return { kind: 'unanswered', release, attempt, message: why, askedAt };
    });
  };

  const answered = (asked: Flight, answer: TurnAnswer, onOtherVersion: () => void): void => {
    message = null;
    failures = 0;
    revision = Math.max(revision ?? 0, answer.revision);
    const { askedAt, askedAtMs } = asked;
    const isDone = (wish: TurnWish): boolean =>
      wish.kind === 'job' && answer.done.some((j) => isRun(j, wish));
    const open = asked.wishes.filter((wish) => !isDone(wish));
    note({ ...asked, wishes: open }, ({ service, release, attempt }) => {
      if (answer.services.includes(service))
        return {
          kind: 'granted',
          release,
          attempt,
          askedAt,
          askedAtMs,
          isBegun: false,
          isShown: false,
          isUsed: false,
        };
      const why = answer.refused.find((r) => r.service === service);
      const reason = why?.answer === 'halted' ? 'halted' : 'turn';
      return { kind: 'refused', release, attempt, reason, message: why?.message ?? 'waits for its turn' };
    });
    const done = answer.done.filter((job) => asked.wishes.some((wish) => isDone(wish) && isRun(job, wish)));
    if (done.length > 0) options.onDone(done);
    const granted = open.filter(({ service }) => known.get(service)?.kind === 'granted');
    if (granted.length > 0) options.onGranted(granted.map(({ service }) => service));
    const isOther = answer.refused.some((r) => r.answer === 'other-version');
    dueAt = elapsed() + (isOther ? OTHER_VERSION_MS : Math.max(LEAST_MS, answer.askAfterSeconds * 1000));
    if (isOther) onOtherVersion();
  };

  const backOff = (floorMs?: number): void => {
    failures += 1;
    dueAt = elapsed() + nextDelayMs({ failures, random: options.random(), floorMs, ...BACKOFF.report });
  };

  const take = (asked: Flight, result: Asked, onOtherVersion: () => void): void => {
    switch (result.kind) {
      case 'answered':
        store = 'answers';
        answered(asked, result.answer, onOtherVersion);
        break;
      case 'none':
        store = 'none';
        unanswered(asked, result.message);
        dueAt = elapsed() + NONE_MS;
        break;
      case 'refused':
        store = 'answers';
        message = result.message;
        note(asked, ({ release, attempt }) => ({
          kind: 'refused',
          release,
          attempt,
          reason: 'turn',
          message: result.message,
        }));
        backOff();
        break;
      case 'failed':
        store = 'unreachable';
        unanswered(asked, result.error.message);
        backOff(result.retryAfterMs);
    }
    options.onNews();
  };

  const ask = async (to: TurnSource, signal: AbortSignal, onOtherVersion: () => void): Promise<void> => {
    const host = options.host();
    lastAskedAt = elapsed();
    dueAt = lastAskedAt + LEAST_MS;
    if (!host) return;
    // Reports name these services before the request gets its number: none of them looks like a return.
    const asked = { wishes: wanted(), askedAt: elapsed(), askedAtMs: now(), abort: new AbortController() };
    flight = asked;
    seq += 1;
    const request = { life, seq, ...host, mostSeconds: Math.ceil(mostMs / 1000), services: asked.wishes };
    // Rejects only when a signal aborts.
    const result = await to
      .ask(request, AbortSignal.any([signal, asked.abort.signal]))
      .catch(() => undefined);
    if (flight !== asked) return;
    flight = undefined;
    if (result && !signal.aborted) take(asked, result, onOtherVersion);
  };

  /** Without a store, the first answer is that there is none. */
  const noteNoStore = (): void => {
    const open = wishes.filter(({ service }) => !known.has(service));
    if (open.length === 0) return;
    store = 'none';
    unanswered(
      { wishes: open, askedAt: elapsed(), askedAtMs: now(), abort: new AbortController() },
      NO_STORE,
    );
    options.onNews();
  };

  const isKept = (entry: Known, plan: ServicePlan | undefined): boolean => {
    const { switching, turn, wish } = plan ?? {};
    if (!switching || !isSame(switching, entry)) return false;
    // The first release of a service goes on without an answer.
    if (entry.kind !== 'granted') return wish !== undefined || turn?.state === 'granted';
    if (switching.state === 'begun') return true;
    return switching.state === 'none' && (turn?.state === 'granted' || turn?.state === 'wanted');
  };

  return {
    view: (manifest, nowMs) => {
      if (mode === 'manifest' && manifest?.pace === undefined) return undefined;
      const heard = [...known].flatMap(([service, entry]): (readonly [string, Heard])[] => {
        const { release, attempt } = entry;
        if (entry.kind === 'refused') return [[service, entry]];
        if (entry.kind === 'granted')
          return isExpired(entry) ? [] : [[service, { kind: 'granted', release, attempt }]];
        const untilMs = nowMs + Math.max(0, entry.askedAt + FIRST_MS - elapsed());
        return [[service, { kind: 'unanswered', release, attempt, message: entry.message, untilMs }]];
      });
      return { heard: Object.fromEntries(heard) };
    },

    see: (plan) => {
      const planned = new Map(plan.services.map((p) => [p.service, p]));
      for (const [service, entry] of known) {
        const isUsed = entry.kind === 'granted' && isBusy(service);
        const isShown = planned.get(service)?.switching?.state === 'begun';
        const next =
          entry.kind === 'granted' ? { ...entry, isUsed, isShown, isBegun: entry.isBegun || isShown } : entry;
        const isOver = next.kind === 'granted' && isExpired(next);
        if (isUsed || (isKept(entry, planned.get(service)) && !isOver)) known.set(service, next);
        else known.delete(service);
      }
      const wished = plan.services.flatMap((p) => p.wish ?? []);
      mostMs = plan.services.reduce((sum, p) => sum + (p.wish && p.turn ? p.turn.mostMs : 0), 0);
      if (JSON.stringify(wished) === JSON.stringify(wishes)) return;
      wishes = wished;
      abort();
      dueAt = Math.min(dueAt, Math.max(elapsed(), lastAskedAt + LEAST_MS));
      if (!source) noteNoStore();
      wake.call();
    },

    run: async (signal, onOtherVersion) => {
      if (!source) return;
      while (!signal.aborted) {
        const restMs = wanted().length === 0 ? Infinity : dueAt - elapsed();
        if (restMs > 0) await wake.sleep(Math.min(Math.ceil(restMs), NONE_MS), signal);
        else await ask(source, signal, onOtherVersion);
      }
    },

    isOpen: () =>
      wishes.some(({ service, kind }) => {
        const entry = known.get(service);
        if (entry?.kind === 'refused') return false;
        return entry?.kind !== 'unanswered' || (kind === 'first' && elapsed() - entry.askedAt < FIRST_MS);
      }),

    state: () => ({
      mode,
      life,
      seq,
      // Also between two requests: a list that changed with each of them would be news of every waiting host.
      asked: [
        ...new Set([
          ...wishes.map(({ service }) => service),
          ...[...known].flatMap(([service, entry]) =>
            entry.kind === 'granted' && !entry.isShown && !isExpired(entry) ? [service] : [],
          ),
        ]),
      ].toSorted(),
      store,
      message,
      revision,
    }),

    underWay: () =>
      new Set(
        [...known].flatMap(([service, entry]) => (entry.kind === 'granted' && entry.isUsed ? [service] : [])),
      ),

    nextSeq: () => {
      seq += 1;
      return seq;
    },

    end: () => {
      abort();
      wishes = [];
      // What a step was taken by may have begun, although no observation shows it.
      for (const [service, entry] of known)
        if (entry.kind !== 'granted' || !entry.isUsed) known.delete(service);
    },
  };
};

const isSame = (a: Named, b: Named): boolean => a.release === b.release && a.attempt === b.attempt;

const isRun = (job: JobWord, wish: TurnWish): boolean =>
  job.service === wish.service && job.digest === wish.digest && job.attempt === wish.attempt;
