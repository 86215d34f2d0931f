import { nextDelayMs } from '../backoff.ts';
import type { AgentError, ErrorCode } from '../errors.ts';
import type { EpochMs } from '../time.ts';
import type { Action } from './action.ts';
import { EDGE_TARGET } from './plan-input.ts';
import { wait } from './gate.ts';
import {
  serviceOf,
  failedStepKey,
  type PlanInput,
  type ServiceContext,
  type FailedStep,
} from './plan-input.ts';
import type { BlockReason, Decision } from './host-plan.ts';

/**
 * Which failed steps need somebody; the others pass by themselves and are waits. Both are tried again after a
 * back-off.
 */
const BLOCKED_BY: Partial<Record<ErrorCode, BlockReason>> = {
  REGISTRY_AUTH: 'auth',
  CREDENTIALS: 'auth',
  IMAGE_NOT_FOUND: 'image',
  IMAGE_MISMATCH: 'image',
  DISK_FULL: 'disk',
  PORT_TAKEN: 'port',
  NAME_TAKEN: 'name',
  NETWORK: 'network',
  VOLUME: 'volume',
  LEDGER: 'ledger',
  STATE_DIR: 'ledger',
  RELEASE: 'engine',
  REPEATED: 'repeated',
};

/**
 * A failed switch costs an interruption each time: it rests long. Everything else is tried again soon, the
 * edge too: nothing gives way to it twice.
 */
const SWITCH = { baseMs: 60_000, capMs: 3_600_000 };
const OTHER = { baseMs: 2_000, capMs: 300_000 };
const FLOOR_MS = 500;

/** What a server wished for in `Retry-After`, where we asked it ourselves. */
const floorOf = ({ fields: { retryAfterMs } }: AgentError): number =>
  Math.max(FLOOR_MS, typeof retryAfterMs === 'number' ? retryAfterMs : 0);

export interface FailedAction {
  readonly action: Action;
  readonly release: string;
  readonly error: AgentError;
  /** The failed step of the same release before. */
  readonly previous: FailedStep | undefined;
  /** The release is known to be good here: starting it interrupts nobody. */
  readonly isRepair: boolean;
  /** Of the release in the manifest; undefined: another one is wanted. */
  readonly attempt: number | undefined;
  readonly nowMs: EpochMs;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/** How long an action rests that failed, by how often it did in a row. */
export const nextFailedStep = (f: FailedAction): FailedStep => {
  const { action, release, error, previous } = f;
  const isSame = previous?.action === action.kind && previous.attempt === f.attempt;
  const count = (isSame ? previous.count : 0) + 1;
  const restMs =
    action.kind === 'start' && !f.isRepair && release !== EDGE_TARGET
      ? Math.min(SWITCH.capMs, SWITCH.baseMs * 2 ** (count - 1))
      : nextDelayMs({ failures: count, random: f.random, ...OTHER, floorMs: floorOf(error) });
  return {
    action: action.kind,
    release,
    containerId: 'container' in action ? action.container.id : undefined,
    code: error.code,
    message: error.message,
    advice: error.advice ?? '',
    count,
    untilMs: f.nowMs + restMs,
    ...(f.attempt !== undefined && { attempt: f.attempt }),
    ...(isRefusal(f) && { isFinal: true }),
  };
};

/**
 * A container that the engine will never make or start as it is declared. What proved itself here was taken
 * once: a device that is gone may come back, so that a repair is tried again.
 */
const isRefusal = ({ action, release, error, isRepair }: FailedAction): boolean =>
  (action.kind === 'create' || action.kind === 'start') &&
  error.code === 'ENGINE' &&
  error.retry === 'changed' &&
  !isRepair &&
  release !== EDGE_TARGET;

/** Those that still count: a raised attempt frees its release. */
export const withoutLifted = (
  failedSteps: Iterable<readonly [string, FailedStep]>,
  desired: PlanInput['desired'],
): Readonly<Record<string, FailedStep>> => {
  const attempts = attemptsOf(desired);
  const isLifted = ({ release, attempt }: FailedStep): boolean =>
    attempt !== undefined && (attempts.get(release) ?? attempt) !== attempt;
  return Object.fromEntries([...failedSteps].filter(([, failedStep]) => !isLifted(failedStep)));
};

/** By release. */
const attemptsOf = (desired: PlanInput['desired']): ReadonlyMap<string, number> =>
  new Map(
    Object.values(desired).flatMap((d) => (d.kind === 'release' ? [[d.release.id, d.attempt] as const] : [])),
  );

export const attemptOf = (desired: PlanInput['desired'], release: string): number | undefined =>
  attemptsOf(desired).get(release);

/** What last went wrong for a release of this service, resting or due again. */
export const failedStepOf = (c: ServiceContext, release: string): FailedStep | undefined =>
  c.input.failedSteps[failedStepKey(c.service.name, release)];

/** A failed step whose next try has not come yet. */
export const restingAt = (input: PlanInput, key: string): FailedStep | undefined => {
  const failedStep = input.failedSteps[key];
  return failedStep && (failedStep.isFinal === true || input.nowMs < failedStep.untilMs)
    ? failedStep
    : undefined;
};

export const restingFailedStep = (c: ServiceContext, release: string): FailedStep | undefined =>
  restingAt(c.input, failedStepKey(c.service.name, release));

/** The action that failed is not tried again before its time; every other one may go on. */
export const afterFailedStep = (input: PlanInput, key: string, decision: Decision): Decision => {
  if (decision.kind !== 'act') return decision;
  const failedStep = restingAt(input, key);
  const isSame = failedStep && decision.actions.some((a) => a.kind === failedStep.action);
  return isSame ? failedStepDecision(failedStep, serviceOf(key)) : decision;
};

/**
 * An edge that was killed in the middle of a step is back in a moment: only what fails again and again is
 * told.
 */
export const isStubborn = ({ count }: FailedStep): boolean => count >= 3;

/**
 * Only a stopped predecessor frees these: no container that is started beside it can show that they are to be
 * had.
 */
const UNPROVABLE: ReadonlySet<ErrorCode> = new Set(['PORT_TAKEN', 'NETWORK']);

/**
 * Another try of this start would interrupt what serves, and nothing says beforehand that it turns out
 * better.
 */
export const isLastTry = (failedStep: FailedStep): boolean =>
  failedStep.isFinal === true || failedStep.count > 1 || UNPROVABLE.has(failedStep.code);

/** What failed is not tried again by itself. */
export const givenUp = (failedStep: FailedStep, service: string): Decision => ({
  kind: 'blocked',
  reason: BLOCKED_BY[failedStep.code] ?? 'engine',
  message: failedStep.message,
  advice: `${failedStep.advice === '' ? '' : `${failedStep.advice}; `}to try it again as it is: supercargo retry ${service}`,
});

export const failedStepDecision = (failedStep: FailedStep, service: string): Decision => {
  if (failedStep.isFinal === true) return givenUp(failedStep, service);
  const reason = BLOCKED_BY[failedStep.code];
  const passes = failedStep.code === 'EDGE_UNREACHABLE' && !isStubborn(failedStep);
  return reason === undefined
    ? wait(passes ? 'edge' : 'back-off', failedStep.message, failedStep.untilMs)
    : {
        kind: 'blocked',
        reason,
        message: failedStep.message,
        advice: failedStep.advice,
        until: failedStep.untilMs,
      };
};
