import { BACKOFF, ceilingMs, nextDelayMs } from '../backoff.ts';
import type { AgentError } from '../errors.ts';
import type { EpochMs } from '../time.ts';
import type { Action } from './action.ts';
import { wait } from './gate.ts';
import {
  EDGE_TARGET,
  serviceOf,
  failedStepKey,
  type PlanInput,
  type ServiceContext,
  type FailedStep,
} from './plan-input.ts';
import type { Decision } from './host-plan.ts';
import type { ErrorCode } from '../vocabulary/error-codes.ts';
import type { BlockReason } from '../vocabulary/reasons.ts';

/** Failed steps that need an operator. The others pass by themselves and are waits. Both back off. */
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

const FLOOR_MS = 500;

/** The `Retry-After` of a server that the agent asked itself. */
const floorOf = ({ fields: { retryAfterMs } }: AgentError): number =>
  Math.max(FLOOR_MS, typeof retryAfterMs === 'number' ? retryAfterMs : 0);

export interface FailedAction {
  readonly action: Action;
  readonly release: string;
  readonly error: AgentError;
  /** The previous failed step of this release. */
  readonly previous: FailedStep | undefined;
  /** The release was good here, so that its start interrupts nothing. */
  readonly isRepair: boolean;
  /** Attempt of the desired release; undefined if another one is desired. */
  readonly attempt: number | undefined;
  readonly nowMs: EpochMs;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/** The failed step with its back-off, which grows with the failures in a row. */
export const nextFailedStep = (f: FailedAction): FailedStep => {
  const { action, release, error, previous } = f;
  const isSame = previous?.action === action.kind && previous.attempt === f.attempt;
  const count = (isSame ? previous.count : 0) + 1;
  const restMs =
    action.kind === 'start' && !f.isRepair && release !== EDGE_TARGET
      ? ceilingMs(BACKOFF.start, count)
      : nextDelayMs({ failures: count, random: f.random, ...BACKOFF.step, floorMs: floorOf(error) });
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
 * The engine refuses the container as declared. A proven release was accepted once, and a missing device may
 * come back, so a repair is tried again.
 */
const isRefusal = ({ action, release, error, isRepair }: FailedAction): boolean =>
  (action.kind === 'create' || action.kind === 'start') &&
  error.code === 'ENGINE' &&
  error.retry === 'changed' &&
  !isRepair &&
  release !== EDGE_TARGET;

/** A failed step no longer counts once its release gets another attempt. */
export const withoutLifted = (
  failedSteps: Iterable<readonly [string, FailedStep]>,
  desired: PlanInput['desired'],
): Readonly<Record<string, FailedStep>> => {
  const attempts = attemptsOf(desired);
  const isLifted = ({ release, attempt }: FailedStep): boolean =>
    attempt !== undefined && (attempts.get(release) ?? attempt) !== attempt;
  return Object.fromEntries([...failedSteps].filter(([, failedStep]) => !isLifted(failedStep)));
};

/** Release id → attempt. */
const attemptsOf = (desired: PlanInput['desired']): ReadonlyMap<string, number> =>
  new Map(
    Object.values(desired).flatMap((d) => (d.kind === 'release' ? [[d.release.id, d.attempt] as const] : [])),
  );

export const attemptOf = (desired: PlanInput['desired'], release: string): number | undefined =>
  attemptsOf(desired).get(release);

/** The last failed step of a release, whether it still backs off or is due again. */
export const failedStepOf = (c: ServiceContext, release: string): FailedStep | undefined =>
  c.input.failedSteps[failedStepKey(c.service.name, release)];

/** The failed step, if its next try is not due yet. */
export const restingAt = (input: PlanInput, key: string): FailedStep | undefined => {
  const failedStep = input.failedSteps[key];
  return failedStep && (failedStep.isFinal === true || input.nowMs < failedStep.untilMs)
    ? failedStep
    : undefined;
};

export const restingFailedStep = (c: ServiceContext, release: string): FailedStep | undefined =>
  restingAt(c.input, failedStepKey(c.service.name, release));

/** Delays the failed action until its next try; every other action may go on. */
export const afterFailedStep = (input: PlanInput, key: string, decision: Decision): Decision => {
  if (decision.kind !== 'act') return decision;
  const failedStep = restingAt(input, key);
  const isSame = failedStep && decision.actions.some((a) => a.kind === failedStep.action);
  return isSame ? failedStepDecision(failedStep, serviceOf(key)) : decision;
};

/** An edge that was killed in a step is back in a moment, so only repeated failures are reported. */
export const isStubborn = ({ count }: FailedStep): boolean => count >= 3;

/** Only a stopped predecessor frees these resources, so no preflight can show that they are available. */
const UNPROVABLE: ReadonlySet<ErrorCode> = new Set(['PORT_TAKEN', 'NETWORK']);

/** Whether another try would interrupt what serves, with no sign that it would succeed. */
export const isLastTry = (failedStep: FailedStep): boolean =>
  failedStep.isFinal === true || failedStep.count > 1 || UNPROVABLE.has(failedStep.code);

/** The decision about a step that is not tried again by itself. */
export const givenUp = (failedStep: FailedStep, service: string): Decision => ({
  kind: 'blocked',
  reason: BLOCKED_BY[failedStep.code] ?? 'engine',
  message: failedStep.message,
  advice:
    (failedStep.advice === '' ? '' : `${failedStep.advice}; `) +
    `to try it again as it is: supercargo retry ${service}`,
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
