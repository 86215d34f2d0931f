import { isExpired } from '../manifest/accept.ts';
import { rolloutOpensAt } from '../manifest/rollout.ts';
import { isHoldActive } from '../state/ledger.ts';
import { isoTime } from '../time.ts';
import type { PlanInput, ServiceContext } from './input.ts';
import type { Decision } from './plan.ts';

export const wait = (
  reason: Extract<Decision, { kind: 'wait' }>['reason'],
  message: string,
  until?: number,
): Extract<Decision, { kind: 'wait' }> => ({ kind: 'wait', reason, message, until, probes: [] });

export const holdDecision = (input: PlanInput): Decision | undefined => {
  const hold = input.ledger.hold;
  if (!isHoldActive(hold, input.nowMs)) return undefined;
  const end = hold.untilMs === undefined ? 'until `supercargo resume`' : `until ${isoTime(hold.untilMs)}`;
  return wait('hold', `held by ${hold.owner} ${end}: ${hold.reason}`, hold.untilMs);
};

/** What keeps a switch that has not begun from beginning, first reason first. Undefined: the gate is open. */
export const closedGate = (c: ServiceContext, isPublished: boolean): Decision | undefined => {
  const { input } = c;
  const hold = holdDecision(input);
  if (hold) return hold;
  const { manifest } = input;
  if (!isPublished || !manifest) return undefined;
  if (input.distrust) return { kind: 'blocked', reason: 'trust', ...input.distrust };
  if (isExpired(manifest, input.nowMs)) {
    return {
      kind: 'blocked',
      reason: 'expired',
      message: `manifest ${String(manifest.serial)} expired at ${isoTime(manifest.expiresAtMs ?? 0)}; what runs stays, nothing new starts`,
      advice: 'publish again, with a later expiry',
    };
  }
  if (!manifest.rollout) return undefined;
  const opensAtMs = rolloutOpensAt({
    environment: input.environment,
    serial: manifest.serial,
    host: input.host,
    rollout: manifest.rollout,
  });
  if (input.nowMs >= opensAtMs) return undefined;
  return wait(
    'phase',
    `this host's turn in the rollout of ${String(manifest.serial)} comes at ${isoTime(opensAtMs)}`,
    opensAtMs,
  );
};

/** None of the services that run here is declared any more: they stay, unless `allow-empty` says that this is meant. */
export const isLastStand = ({ actual, project }: PlanInput): boolean => {
  const here = actual.containers.flatMap((o) => o.owner?.service ?? []);
  return !project.allowEmpty && here.length > 0 && here.every((name) => !project.services[name]);
};
