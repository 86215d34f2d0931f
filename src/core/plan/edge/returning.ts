import type { Container } from '../../state/actual.ts';
import type { EpochMs } from '../../time.ts';
import type { ServiceContext } from '../plan-input.ts';
import { isRestarted } from '../back-in-service.ts';
import { isPublic } from '../readiness.ts';
import { answersNow } from './edge-view.ts';

/**
 * Whether a container of a proven release was started again: after a drain, or, behind load balancers, since
 * the release proved itself and since they hear that the service serves. It has to be good once more.
 */
export const isReturning = (c: ServiceContext, container: Container, provenAtMs: EpochMs): boolean => {
  const { edge, actual } = c.input;
  const startedAtMs = container.detail?.startedAtMs ?? 0;
  if (isRestarted(c, container)) return true;
  if (!edge.health || !isPublic(c)) return false;
  const answer = answersNow(actual)?.[c.service.name];
  return startedAtMs > Math.max(provenAtMs, answer?.isUp === true ? answer.sinceMs : 0);
};
