import { serviceRecord, type Failure } from '../state/ledger.ts';
import type { Desired } from '../state/desired.ts';
import { hasRunInFleet } from '../state/fleet-jobs.ts';
import type { Release } from '../state/release.ts';
import type { Action } from './action.ts';
import { closedGate, wait } from './gate.ts';
import { hasBegun, type ServiceContext, type Target } from './plan-input.ts';
import { releaseImage } from './local-image.ts';
import type { Decision } from './host-plan.ts';
import { pullStep, unfit } from './prepare.ts';
import { quarantineOf } from './quarantine.ts';
import { isUp } from './slot.ts';
import { isProven, trialOf } from './unproved-release.ts';
import { givenUp, isLastTry, restingFailedStep, failedStepDecision, failedStepOf } from './failed-step.ts';

/**
 * What a service works towards. `forward`: a release that has yet to prove itself here. `keep`: what is good,
 * or merely present, stays as it should be; `settled` is the decision once it is.
 */
export type Goal = Forward | Keep | { readonly kind: 'freeze'; readonly settled: Decision };

export interface Forward {
  readonly kind: 'forward';
  readonly target: Target;
  readonly release: Release;
  readonly attempt: number;
  /** Another release is desired, but failed or cannot begin. This one keeps its chance meanwhile. */
  readonly isFallback?: true;
  /** Early fetches for the desired release. */
  readonly staging: readonly Action[];
}

export interface Keep {
  readonly kind: 'keep';
  readonly target: Target | undefined;
  /** Without a target: bring back the foreign container that was taken over. */
  readonly restoreForeign: boolean;
  /** Whether containers of other releases are removed. */
  readonly retireOthers: boolean;
  readonly settled: Decision;
  readonly staging: readonly Action[];
}

const targetOf = (release: Release): Target => ({ id: release.id, version: release.version, release });

const goodTarget = (c: ServiceContext): Target | undefined => {
  const good = c.record.good[0];
  return good && targetOf(good.release);
};

/** What `bad` rolls back to: the last good release, the adopted container, or what a lost ledger left. */
const fallbackFrom = (
  c: ServiceContext,
  bad: string,
): { target: Target | undefined; restoreForeign: boolean } => {
  const good = goodTarget(c);
  if (good && good.id !== bad) return { target: good, restoreForeign: false };
  if (c.foreign?.recorded === true) return { target: undefined, restoreForeign: true };
  return { target: presumedTarget(c, bad), restoreForeign: false };
};

/** Of the releases that ran when the ledger was rebuilt, the one that started last. */
const presumedTarget = (c: ServiceContext, except: string): Target | undefined => {
  const last = c.own
    .filter((o) => o.owner?.release !== except && !o.copyOf && o.detail?.startedAtMs !== undefined)
    .filter((o) => isProven(c, o))
    .toSorted((a, b) => (b.detail?.startedAtMs ?? 0) - (a.detail?.startedAtMs ?? 0))[0];
  return last?.owner && { id: last.owner.release, version: last.owner.version, release: undefined };
};

const keep = (
  c: ServiceContext,
  bad: string,
  settled: Decision,
  options: { retireOthers: boolean; staging?: readonly Action[] },
): Keep | Forward => {
  const back = fallbackFrom(c, bad);
  const hasFallback = back.target !== undefined || back.restoreForeign;
  const trial = hasFallback ? undefined : trialOf(c, bad);
  if (trial) return { ...forward(trial, 0, options.staging), isFallback: true };
  // A good release of the ledger may replace others; a release that is merely present may not.
  const retireOthers = options.retireOthers || back.target?.release !== undefined;
  return { kind: 'keep', ...back, settled, staging: options.staging ?? [], retireOthers };
};

export const goalOf = (c: ServiceContext, desired: Desired): Goal => {
  switch (desired.kind) {
    case 'unpublished':
      return keep(c, '', wait('unpublished', desired.message), { retireOthers: false });
    case 'blocked':
      return keep(c, '', desired, { retireOthers: false });
    case 'unresolved':
      return goalUnresolved(c, desired);
    case 'release':
      return goalRelease(c, desired);
  }
};

const goalUnresolved = (c: ServiceContext, desired: Extract<Desired, { kind: 'unresolved' }>): Goal => {
  const failedStep = restingFailedStep(c, desired.key);
  if (failedStep) return keep(c, '', failedStepDecision(failedStep, c.service.name), { retireOthers: false });
  const settled = wait('image', `asking the registry for ${desired.version}`);
  return keep(c, '', settled, {
    retireOthers: false,
    staging: [{ kind: 'resolve-tag', image: desired.image, key: desired.key }],
  });
};

type DesiredRelease = Extract<Desired, { kind: 'release' }>;

const goalRelease = (c: ServiceContext, desired: DesiredRelease): Goal => {
  const { release, attempt, unmet } = desired;
  const record = serviceRecord(c.input.ledger, c.service.name);
  if (record.good[0]?.release.id === release.id)
    return steady(release, unmet ? { kind: 'blocked', reason: 'network', ...unmet } : { kind: 'converged' });
  const inFleet = release.fleetJob && goalOnceInFleet(c, release);
  if (inFleet) return inFleet;
  const failure = quarantineOf(c.input, c.service.name, release.id, attempt);
  if (failure) return afterFailure(c, release, failure);
  return (
    goalUnstarted(c, release) ??
    (hasBegun(c, release.id) ? forward(release, attempt) : goalUnbegun(c, desired))
  );
};

/**
 * A job that runs once in the fleet: no other run of it is interrupted, and what is done elsewhere is not done
 * here. Undefined if it has yet to run, or runs here.
 */
const goalOnceInFleet = (c: ServiceContext, release: Release): Goal | undefined => {
  const runs = c.own.filter(isUp);
  const other = runs.find((o) => o.owner?.release !== release.id && !isProven(c, o));
  const endsAtMs = (other?.detail?.startedAtMs ?? 0) + c.service.healthyWithinMs;
  if (other && c.input.nowMs < endsAtMs) {
    const message = `its run of ${other.owner?.version ?? 'another version'} ends first`;
    return { kind: 'freeze', settled: wait('health', message, endsAtMs) };
  }
  if (!hasRunInFleet(c.input.ledger, release) || runs.some((o) => o.owner?.release === release.id))
    return undefined;
  const settled = {
    kind: 'converged',
    message: `version ${release.version} ran once in the fleet`,
  } as const;
  return keep(c, release.id, settled, { retireOthers: true });
};

/**
 * If the engine cannot start the release, the previous one serves again. The error code RELEASE is the
 * release's own fault: such a release is judged, and not tried again later.
 */
const goalUnstarted = (c: ServiceContext, release: Release): Goal | undefined => {
  const failedStep = failedStepOf(c, release.id);
  if (failedStep?.action !== 'start' || failedStep.code === 'RELEASE') return undefined;
  const back = fallbackFrom(c, release.id);
  const hasFallback = back.target !== undefined || back.restoreForeign;
  const isOver = hasFallback && release.spec.exposure === undefined && isLastTry(failedStep);
  if (!isOver && !restingFailedStep(c, release.id)) return undefined;
  const settled = isOver
    ? givenUp(failedStep, c.service.name)
    : failedStepDecision(failedStep, c.service.name);
  return hasFallback ? keep(c, release.id, settled, { retireOthers: true }) : { kind: 'freeze', settled };
};

const forward = (release: Release, attempt: number, staging: readonly Action[] = []): Forward => ({
  kind: 'forward',
  target: targetOf(release),
  release,
  attempt,
  staging,
});

const steady = (release: Release, settled: Decision): Goal => ({
  kind: 'keep',
  target: targetOf(release),
  restoreForeign: false,
  retireOthers: true,
  settled,
  staging: [],
});

/** A release that has not begun fetches its image even while the gate is closed, unless it is distrusted. */
const goalUnbegun = (c: ServiceContext, desired: DesiredRelease): Goal => {
  const { release, attempt } = desired;
  const gate = closedGate(c, release.serial > 0);
  const distrusted = gate?.kind === 'blocked' && gate.reason === 'trust';
  if (distrusted) return keep(c, release.id, gate, { retireOthers: false });
  const blocked = unfit(c.input, desired);
  if (blocked) return keep(c, release.id, blocked, { retireOthers: false });
  const failedStep = restingFailedStep(c, release.id);
  if (failedStep?.action === 'pull')
    return keep(c, release.id, failedStepDecision(failedStep, c.service.name), { retireOthers: false });
  const step = releaseImage(c.input, release) ? undefined : pullStep(c, release);
  if (step?.kind === 'stuck') return keep(c, release.id, gate ?? step.decision, { retireOthers: false });
  if (step?.kind === 'act') {
    const settled = gate ?? wait('image', `fetching ${release.version}`);
    return keep(c, release.id, settled, { retireOthers: false, staging: step.actions });
  }
  return gate ? keep(c, release.id, gate, { retireOthers: false }) : forward(release, attempt);
};

const afterFailure = (c: ServiceContext, release: Release, failure: Failure): Goal => {
  const advice = `publish another version, or try it again: supercargo retry ${c.service.name}`;
  const message = `${failure.version} failed here: ${failure.message}`;
  if (c.service.update.failureAction === 'pause') {
    return {
      kind: 'freeze',
      settled: {
        kind: 'blocked',
        reason: 'quarantined',
        message: `${message} (failure_action: pause)`,
        advice,
      },
    };
  }
  const back = fallbackFrom(c, release.id);
  const to = back.target?.version ?? (back.restoreForeign ? (c.foreign?.adoption.name ?? '') : undefined);
  const settled: Decision =
    to === undefined
      ? { kind: 'blocked', reason: 'quarantined', message, advice }
      : { kind: 'rolled-back', from: failure.version, to, message, advice };
  return keep(c, release.id, settled, { retireOthers: true });
};

/** The new release cannot go on yet, so what is good is kept meanwhile. */
export const keepMeanwhile = (c: ServiceContext, release: Release, settled: Decision): Keep | Forward =>
  keep(c, release.id, settled, { retireOthers: false });
