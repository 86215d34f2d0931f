import { closestName } from '../closest-name.ts';
import { MAX_PROBLEMS, type Context } from './reader-context.ts';
import type { Services } from './service.ts';

const UNKNOWN_ADVICE = 'define that service, or remove this';

export const unknownService = (name: string, asking: string, services: Services, c: Context): string => {
  // The report no longer shows a suggestion, and comparing with each service takes time.
  if (c.problems.length > MAX_PROBLEMS) return UNKNOWN_ADVICE;
  const meant = closestName(
    name,
    [...services.keys()].filter((other) => other !== asking),
  );
  return meant === undefined ? UNKNOWN_ADVICE : `did you mean "${meant}"?`;
};
