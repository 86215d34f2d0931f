import { failureOf, serviceRecord, type Failure } from '../state/ledger.ts';
import type { PlanInput } from './plan-input.ts';

/**
 * The failure that keeps a release from being tried again. A failure caused by a job ends with that job's
 * release: a repaired job frees the service that waited for it.
 */
export const quarantineOf = (
  input: Pick<PlanInput, 'ledger' | 'desired'>,
  service: string,
  release: string,
  attempt: number,
): Failure | undefined => {
  const failure = failureOf(serviceRecord(input.ledger, service), release);
  if (failure?.attempt !== attempt) return undefined;
  const job = failure.job && input.desired[failure.job.service];
  const isRepaired = job?.kind === 'release' && job.release.id !== failure.job?.release;
  return isRepaired ? undefined : failure;
};
