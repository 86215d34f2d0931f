import { nextDelayMs } from '../backoff.ts';
import type { AgentError, ErrorCode } from '../errors.ts';
import type { EpochMs } from '../time.ts';
import type { Action } from './action.ts';
import { EDGE_TARGET } from './edge/target.ts';
import { wait } from './gate.ts';
import { setbackKey, type PlanInput, type ServiceContext, type Setback } from './input.ts';
import type { BlockReason, Decision } from './plan.ts';

/** Which setbacks need somebody; the others pass by themselves and are waits. Both are tried again after a back-off. */
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
};

/**
 * A failed switch costs an interruption each time: it rests long. Everything else is tried again soon, the edge too: nothing
 * gives way to it twice.
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
  /** The setback of the same release before. */
  readonly previous: Setback | undefined;
  /** The release is known to be good here: starting it interrupts nobody. */
  readonly isRepair: boolean;
  readonly nowMs: EpochMs;
  /** Uniform in [0, 1). */
  readonly random: number;
}

/** How long an action rests that failed, by how often it did in a row. */
export const nextSetback = (f: FailedAction): Setback => {
  const { action, release, error, previous } = f;
  const count = (previous?.action === action.kind ? previous.count : 0) + 1;
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
  };
};

/** What last went wrong for a release of this service, resting or due again. */
export const setbackOf = (c: ServiceContext, release: string): Setback | undefined =>
  c.input.setbacks[setbackKey(c.service.name, release)];

/** A setback whose next try has not come yet. */
export const restingAt = (input: PlanInput, key: string): Setback | undefined => {
  const setback = input.setbacks[key];
  return setback !== undefined && input.nowMs < setback.untilMs ? setback : undefined;
};

export const restingSetback = (c: ServiceContext, release: string): Setback | undefined =>
  restingAt(c.input, setbackKey(c.service.name, release));

/** The action that failed is not tried again before its time; every other one may go on. */
export const afterSetback = (input: PlanInput, key: string, decision: Decision): Decision => {
  if (decision.kind !== 'act') return decision;
  const setback = restingAt(input, key);
  const isSame = setback && decision.actions.some((a) => a.kind === setback.action);
  return isSame ? setbackDecision(setback) : decision;
};

/** An edge that was killed in the middle of a step is back in a moment: only what fails again and again is told. */
export const isStubborn = ({ count }: Setback): boolean => count >= 3;

export const setbackDecision = (setback: Setback): Decision => {
  const reason = BLOCKED_BY[setback.code];
  const passes = setback.code === 'EDGE_UNREACHABLE' && !isStubborn(setback);
  return reason === undefined
    ? wait(passes ? 'edge' : 'back-off', setback.message, setback.untilMs)
    : { kind: 'blocked', reason, message: setback.message, advice: setback.advice, until: setback.untilMs };
};
