import { AgentError, messageOf } from '../../core/errors.ts';
import type { EventLog } from '../../core/events.ts';
import { refusal, type Refusal } from '../../core/hub/refusal.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { TurnStore } from '../../core/ports/turn-store.ts';
import type { EpochMs } from '../../core/time.ts';
import type { RolloutCommand } from '../../core/turns/rollout-command.ts';
import type { RolloutStatus } from '../../core/turns/rollout-status.ts';
import {
  askTurn,
  obey,
  review,
  rolloutStatus,
  unfinishedChanges,
  type TurnState,
  revisionOf,
  startedAt,
} from '../../core/turns/rules.ts';
import type { TurnAnswer, TurnRequest } from '../../core/turns/turn-request.ts';
import { createDecisions } from './decisions.ts';
import type { CurrentManifest } from '../manifests/current-manifest.ts';
import { createFleetViews } from './fleet-views.ts';
import { followManifests, hasPace } from './follow-manifests.ts';
import type { Manifests } from '../manifests/manifests.ts';
import type { Reports } from '../fleet/reports.ts';
import { createThrottle } from '../throttle.ts';
import { logAudit } from './turn-events.ts';

export type AnsweredTurn =
  | {
      readonly kind: 'answer';
      readonly answer: TurnAnswer;
      /** How many requests for the same services are worth holding until something changes. */
      readonly mostHeld: number;
    }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export type AnsweredCommand =
  | { readonly kind: 'done'; readonly status: RolloutStatus }
  | { readonly kind: 'refused'; readonly refusal: Refusal };

export interface TurnsOptions {
  readonly store: TurnStore;
  readonly manifests: Pick<Manifests, 'environments' | 'current' | 'read' | 'serials' | 'past'>;
  readonly reports: Pick<Reports, 'all' | 'count' | 'hearing' | 'awaited' | 'removed' | 'refresh'>;
  readonly log: EventLog;
  readonly now: () => EpochMs;
  readonly mostEnvironments: number;
  /** Called a few times a second at most, when requests that wait may be answered otherwise. */
  readonly onChanged: (environment: string) => void;
}

/** Hands out turns. Each method reviews the state first, and rejects with an AgentError STORE. */
export interface Turns {
  readonly ask: (environment: string, host: string, request: TurnRequest) => Promise<AnsweredTurn>;
  readonly obey: (environment: string, command: RolloutCommand) => Promise<AnsweredCommand>;
  readonly status: (environment: string) => Promise<RolloutStatus>;
  /** Why this manifest may not become current; undefined if it may. */
  readonly refuseManifest: (
    environment: string,
    manifest: Manifest,
    publisher: { readonly readsPace: boolean },
  ) => Promise<Refusal | undefined>;
  /** Reviews the state soon, after a publish or a report. Does nothing where hosts take no turns. */
  readonly review: (environment: string) => void;
  /** A report or a manifest is new: requests that wait may be answered otherwise. */
  readonly noteNews: (environment: string) => void;
  /**
   * Another hub has decided: its environments are known from now on, and requests that wait are asked anew.
   */
  readonly learn: (environment: string) => Promise<void>;
  /** How far environments with turns were at the last write. */
  readonly known: () => readonly RolloutStatus[];
  /** Settles once nothing is written any more. */
  readonly close: () => Promise<void>;
}

/**
 * The shortest time between two reviews of an environment without a request. A request reviews by itself, so
 * that no host waits for this one.
 */
const REVIEW_MS = 1000;
/** The shortest time between two wake-ups of requests that wait, which grows with what a review costs. */
const wakeMs = (hosts: number): number => 200 + hosts / 10;

const tooMany = (most: number): Refusal =>
  refusal(
    507,
    'too-many',
    `the hub already has turns of ${String(most)} environments, its maximum`,
    'stop the hub and remove the files of an old environment, or start it with a higher --max-environments',
  );

const withoutTurns = (environment: string): Refusal =>
  refusal(
    409,
    'no-pace',
    `no host of ${environment} takes turns: it has no pace`,
    `check the name of the environment, or give it a pace: supercargo pace ${environment} --max-parallel 1`,
  );

const refuseOlderPublisher = (paced: string): Refusal =>
  refusal(
    409,
    'pace',
    `${paced} has a pace, and this publisher cannot read it: it builds upon older manifests`,
    'upgrade this publisher to the version of the hub; ' +
      `that version can also end the pace: supercargo pace ${paced} --none`,
  );

const refuseUnpaced = (environment: string, state: TurnState): Refusal | undefined => {
  // Without a pace before, nothing was held back that could be let go.
  const changes = state.pace === null ? [] : unfinishedChanges(state);
  if (changes.length === 0) return undefined;
  const serials = changes.map(
    ({ serial, entries }) => `${String(serial)} (${Object.keys(entries).join(', ')})`,
  );
  return refusal(
    409,
    'unfinished',
    `the manifest has no pace, but ${environment} is not finished with serial ${serials.join(' and ')}`,
    `wait for it (supercargo rollout status ${environment}), or publish with --anyway: then all hosts that are ` +
      'left switch at once',
  );
};

/** Warns once, until a review succeeds. */
const createWarnings = (log: EventLog) => {
  const warned = new Map<string, string>();
  return {
    forget: (environment: string): void => void warned.delete(environment),
    warn: (environment: string, error: unknown): void => {
      const message = messageOf(error);
      if (warned.get(environment) === message) return;
      warned.set(environment, message);
      const advice = error instanceof AgentError ? error.advice : undefined;
      log.write('error', 'hub.warned', { environment, message, ...(advice !== undefined && { advice }) });
    },
  };
};

/** @throws AgentError STORE */
export const openTurns = async (options: TurnsOptions): Promise<Turns> => {
  const { store, manifests, reports, log, now, mostEnvironments, onChanged } = options;
  /** The last state of every environment that has one; undefined before the first write. */
  const last = new Map<string, TurnState | undefined>();
  for (const environment of await store.environments()) last.set(environment, undefined);
  const paces = new WeakMap<CurrentManifest, boolean>();
  const isPaced = (environment: string): boolean => {
    const current = manifests.current(environment);
    if (current === undefined) return false;
    const known = paces.get(current) ?? hasPace(current, environment);
    paces.set(current, known);
    return known;
  };
  const views = createFleetViews(reports);
  /** A state that this hub has not written was decided by later reports than its view may have. */
  const note = (stored: TurnState): void => {
    if (stored.revision !== last.get(stored.environment)?.revision) views.renew(stored.environment);
    last.set(stored.environment, stored);
  };
  const takesTurns = (environment: string): boolean => last.has(environment) || isPaced(environment);
  const startMs = now();
  const wake = createThrottle((environment) => wakeMs(reports.count(environment)), onChanged);
  const { decide, idle } = createDecisions({
    store,
    follow: async (environment, stored, nowMs) => {
      await reports.refresh(environment);
      if (stored) note(stored);
      const followed = await followManifests(manifests, environment, stored, nowMs);
      return startedAt(followed, Math.max(startMs, reports.hearing(environment).runBeganMs));
    },
    view: views.of,
    takesTurns,
    onWritten: (before, stored) => {
      last.set(stored.environment, stored);
      views.noteWritten(stored.environment);
      logAudit(log, before, stored);
      // Once the requests that are answered now wait, too.
      setImmediate(() => wake.signal(stored.environment));
    },
    now,
  });
  const reviewed = <T>(environment: string, outcomeOf: (...of: Parameters<typeof review>) => T): Promise<T> =>
    decide(environment, (state, view) => ({
      state: review(state, view),
      outcome: (stored) => outcomeOf(stored, view),
    }));

  const warnings = createWarnings(log);
  const reviewNow = async (environment: string): Promise<void> => {
    try {
      await reviewed(environment, (state) => {
        if (state.revision > 0) last.set(environment, state);
      });
      warnings.forget(environment);
    } catch (error) {
      warnings.warn(environment, error);
    }
  };
  const reviews = createThrottle(REVIEW_MS, (environment) => void reviewNow(environment));
  const reviewSoon = (environment: string): void => {
    if (takesTurns(environment)) reviews.signal(environment);
  };
  for (const environment of new Set([...last.keys(), ...manifests.environments()])) reviewSoon(environment);

  return {
    ask: async (environment, host, request) => {
      if (!takesTurns(environment) && last.size >= mostEnvironments)
        return { kind: 'refused', refusal: tooMany(mostEnvironments) };
      const begins = true;
      return decide<AnsweredTurn>(
        environment,
        (given, view) => {
          const { state, ...asked } = askTurn(given, view, host, request);
          return {
            state,
            outcome: (stored) =>
              asked.kind === 'refused'
                ? asked
                : { ...asked, answer: { ...asked.answer, revision: revisionOf(stored) } },
          };
        },
        begins,
      );
    },
    obey: async (environment, command) => {
      if (!takesTurns(environment)) return { kind: 'refused', refusal: withoutTurns(environment) };
      return decide<AnsweredCommand>(environment, (given, view) => {
        const obeyed = obey(given, view, command);
        return obeyed.kind === 'refused'
          ? { state: given, outcome: () => obeyed }
          : {
              state: obeyed.state,
              outcome: (stored) => ({ kind: 'done', status: rolloutStatus(stored, view) }),
            };
      });
    },
    status: (environment) => reviewed(environment, rolloutStatus),
    refuseManifest: async (environment, { pace }, { readsPace }) => {
      if (pace !== undefined) return undefined;
      // A publisher that cannot read the pace of another environment would promote old versions from it.
      const unread = readsPace ? undefined : [environment, ...manifests.environments()].find(isPaced);
      if (unread !== undefined) return refuseOlderPublisher(unread);
      return takesTurns(environment)
        ? reviewed(environment, (state) => refuseUnpaced(environment, state))
        : undefined;
    },
    review: reviewSoon,
    noteNews: (environment) => {
      if (takesTurns(environment)) wake.signal(environment);
    },
    learn: async (environment) => {
      const stored = await store.read(environment);
      if (stored === undefined || stored.revision === last.get(environment)?.revision) return;
      note(stored);
      wake.signal(environment);
    },
    known: () =>
      [...last].flatMap(([environment, state]) =>
        state ? [rolloutStatus(state, views.of(environment, state, now()))] : [],
      ),
    close: async () => {
      reviews.close();
      wake.close();
      await idle();
    },
  };
};
