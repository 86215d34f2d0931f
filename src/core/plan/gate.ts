import { isExpired } from '../manifest/accept.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { rolloutOpensAt } from '../manifest/rollout.ts';
import { isDrainActive, isHoldActive } from '../state/ledger.ts';
import { isoSeconds } from '../time.ts';
import type { PlanInput, ServiceContext } from './plan-input.ts';
import type { Decision } from './host-plan.ts';

export const wait = (
  reason: Extract<Decision, { kind: 'wait' }>['reason'],
  message: string,
  until?: number,
): Extract<Decision, { kind: 'wait' }> => ({ kind: 'wait', reason, message, until });

export type Blocked = Extract<Decision, { kind: 'blocked' }>;

export const blocked = (reason: Blocked['reason'], message: string, advice: string): Blocked => ({
  kind: 'blocked',
  reason,
  message,
  advice,
});

export const holdDecision = (input: PlanInput): Decision | undefined => {
  const hold = input.ledger.hold;
  if (!isHoldActive(hold, input.nowMs)) return undefined;
  const end = hold.untilMs === undefined ? 'until `supercargo resume`' : `until ${isoSeconds(hold.untilMs)}`;
  return wait('hold', `held by ${hold.owner} ${end}: ${hold.reason}`, hold.untilMs);
};

/** Why nothing begins on a host that is out of service; undefined if it is in service. */
export const drainedDecision = ({ ledger: { drain: drained }, nowMs }: PlanInput): Decision | undefined => {
  if (!isDrainActive(drained, nowMs)) return undefined;
  const { owner, reason, untilMs } = drained;
  const end = untilMs === undefined ? 'until `supercargo undrain`' : `until ${isoSeconds(untilMs)}`;
  return wait('drained', `the host is drained by ${owner} ${end}: ${reason}`, untilMs);
};

/** The reason of the drain in a few words, for load balancers; undefined if the host is in service. */
export const drainedBy = ({ ledger: { drain }, nowMs }: PlanInput): string | undefined =>
  isDrainActive(drain, nowMs) ? `drained by ${drain.owner}: ${drain.reason}` : undefined;

/**
 * Why a switch must not begin, or undefined if the gate is open. The first release of a service is a switch
 * too. Repair, rollback and switches that have begun never come here.
 */
export const closedGate = (c: ServiceContext, isPublished: boolean): Decision | undefined => {
  const { input } = c;
  const manifest = isPublished ? input.manifest : undefined;
  return (
    drainedDecision(input) ??
    holdDecision(input) ??
    (manifest && distrustDecision(input, manifest)) ??
    (manifest && freezeDecision(manifest)) ??
    windowDecision(c) ??
    (manifest && phaseDecision(input, manifest))
  );
};

const distrustDecision = (input: PlanInput, manifest: Manifest): Decision | undefined => {
  if (input.distrust) return { kind: 'blocked', reason: 'trust', ...input.distrust };
  if (!isExpired(manifest, input.nowMs)) return undefined;
  return {
    kind: 'blocked',
    reason: 'expired',
    message:
      `manifest ${String(manifest.serial)} expired at ${isoSeconds(manifest.expiresAtMs ?? 0)}; ` +
      'what runs stays, nothing new starts',
    advice: 'publish again, with a later expiry',
  };
};

/** The publisher froze the environment. An image that the host pins goes on. */
const freezeDecision = ({ serial, freeze }: Manifest): Decision | undefined =>
  freeze &&
  wait(
    'freeze',
    `frozen by manifest ${String(serial)}: ${freeze.reason}; the next publish without a freeze goes on`,
  );

const windowDecision = ({ input: { windows, nowMs }, opensAtMs }: ServiceContext): Decision | undefined => {
  if (opensAtMs <= nowMs) return undefined;
  const texts = windows.map(({ text }) => text).join('; ');
  return wait(
    'window',
    `versions are switched only in the window ${texts}, which opens at ${isoSeconds(opensAtMs)}`,
    opensAtMs,
  );
};

const phaseDecision = (input: PlanInput, { serial, rollout }: Manifest): Decision | undefined => {
  if (!rollout) return undefined;
  const { environment, host } = input;
  const opensAtMs = rolloutOpensAt({ environment, serial, host, rollout });
  if (input.nowMs >= opensAtMs) return undefined;
  return wait(
    'phase',
    `the rollout of manifest ${String(serial)} reaches this host at ${isoSeconds(opensAtMs)}`,
    opensAtMs,
  );
};

/** No service that runs here is declared any more: all stay, unless `allow-empty` is set. */
export const isLastStand = ({ actual, project }: PlanInput): boolean => {
  const here = actual.containers.flatMap((o) => o.owner?.service ?? []);
  return !project.allowEmpty && here.length > 0 && here.every((name) => !project.services[name]);
};
