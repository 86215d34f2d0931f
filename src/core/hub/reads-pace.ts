const HEADER = 'supercargo-reads';
const PACE = 'pace';

/**
 * The header of a publisher that reads manifests with a pace. An older one ignores them: it builds upon the
 * last manifest without a pace, and so takes back every version since, or promotes an old one.
 */
export const READS_PACE: Readonly<Record<string, string>> = { [HEADER]: PACE };

export const readsPace = (headers: Readonly<Record<string, unknown>>): boolean => headers[HEADER] === PACE;
