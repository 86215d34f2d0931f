/**
 * What an engine always says, taken at its word only where it is of the right type: a proxy between us may
 * answer anything.
 */

/** @throws TypeError, which `toEngineError` tells of in its own words */
export const asText = (value: unknown): string => {
  if (typeof value === 'string') return value;
  throw new TypeError('no text where the Docker API has one');
};

type Labels = Readonly<Record<string, string>>;

/** Engines say null where there are none. @throws TypeError where one is no text */
export const labelsOf = (said: Labels | null | undefined): Labels => {
  const labels = said ?? {};
  Object.values(labels).forEach(asText);
  return labels;
};

/** A whole number that is not below 0, or what is known otherwise: the sum of several is still a number. */
export const countOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
