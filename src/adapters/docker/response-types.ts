/** Checks the types of the engine's responses: a proxy in between may answer anything. */

/** @throws TypeError, for which `toEngineError` has its own message */
export const asText = (value: unknown): string => {
  if (typeof value === 'string') return value;
  throw new TypeError('no text where the Docker API has one');
};

type Labels = Readonly<Record<string, string>>;

/** Engines send null for no labels. @throws TypeError if a label is no text */
export const labelsOf = (said: Labels | null | undefined): Labels => {
  const labels = said ?? {};
  Object.values(labels).forEach(asText);
  return labels;
};

/** Returns the value if it is a whole number of at least 0, else `otherwise`, so that sums stay numbers. */
export const countOr = (value: unknown, otherwise: number): number =>
  typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : otherwise;
