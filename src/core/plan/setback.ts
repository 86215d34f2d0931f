import type { ErrorCode } from '../errors.ts';
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

export const setbackDecision = (setback: Setback): Decision => {
  const reason = BLOCKED_BY[setback.code];
  return reason === undefined
    ? { kind: 'wait', reason: 'back-off', message: setback.message, until: setback.untilMs, probes: [] }
    : { kind: 'blocked', reason, message: setback.message, advice: setback.advice };
};
