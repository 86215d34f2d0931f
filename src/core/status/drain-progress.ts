import type { WaitReason } from '../vocabulary/reasons.ts';
import type { ServiceStatus, Status } from './status-document.ts';

/** How far a host is on its way out of service, or back. */
export type DrainProgress =
  | { readonly kind: 'reached' | 'going' }
  /** The host now goes the other way. */
  | { readonly kind: 'turned' }
  /** Nothing goes on by itself. */
  | { readonly kind: 'stuck'; readonly services: readonly DrainedService[] };

/** The members that `status` and `explain` share; an older agent does not report `serves`. */
export type DrainedService = Pick<
  ServiceStatus,
  'service' | 'outcome' | 'reason' | 'message' | 'advice' | 'until'
> &
  Partial<Pick<ServiceStatus, 'serves'>>;

const DRAINED: WaitReason = 'drained';
const BACK_OFF: WaitReason = 'back-off';

export const isOut = ({ reason }: DrainedService): boolean => reason === DRAINED;

const isUnderWay = ({ outcome }: DrainedService): boolean => outcome === 'progressing';

/** The agent goes on once the engine answers, or once it has observed the host. */
const isUnobserved = ({ engine, outcome, services }: Status): boolean =>
  !engine.online || (outcome === 'progressing' && services.length === 0);

/** For a service that is out, `until` is the end of the drain. */
export const canGoOut = (services: readonly DrainedService[]): boolean =>
  services.some((s) => !isOut(s) && (isUnderWay(s) || s.until !== null));

export const progressOut = (status: Status): DrainProgress => {
  const { draining, services } = status;
  if (!draining) return { kind: 'turned' };
  if (draining.done) return { kind: 'reached' };
  if (isUnobserved(status) || canGoOut(services)) return { kind: 'going' };
  return { kind: 'stuck', services: services.filter((s) => !isOut(s)) };
};

const isDown = ({ outcome, serves }: DrainedService): boolean =>
  outcome !== 'converged' && (serves === undefined ? outcome === 'blocked' : serves === false);

/** Only steps that are tried again by themselves: a window or a rollout may take days. */
const isRetried = ({ outcome, reason, until }: DrainedService): boolean =>
  until !== null && (outcome === 'blocked' || reason === BACK_OFF);

export const canComeBack = (services: readonly DrainedService[]): boolean =>
  services.some((s) => isUnderWay(s) || isOut(s) || (isDown(s) && isRetried(s)));

/** Without an edge that works, its ports and the health endpoint do not answer. */
const brokenEdge = ({ edge }: Status): readonly DrainedService[] =>
  edge && (edge.outcome === 'blocked' || edge.outcome === 'waiting') ? [{ service: 'edge', ...edge }] : [];

export const progressBack = (status: Status): DrainProgress => {
  const { draining, services, hold } = status;
  if (draining) return { kind: 'turned' };
  const isFrozen = hold?.all === true && hold.until === null;
  const edge = brokenEdge(status);
  const isEdgeRetried = edge.some(({ until }) => until !== null);
  if (isUnobserved(status) || (!isFrozen && (canComeBack(services) || isEdgeRetried)))
    return { kind: 'going' };
  // Without such a hold, a service that waits (for its first version, say) did not serve before either.
  const down = services.filter((s) => isOut(s) || (isDown(s) && (isFrozen || s.outcome !== 'waiting')));
  const lost = [...down, ...edge];
  return lost.length === 0 ? { kind: 'reached' } : { kind: 'stuck', services: lost };
};
