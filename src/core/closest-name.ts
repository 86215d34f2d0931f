/** The Levenshtein distance, computed with two rows. */
const distance = (a: string, b: string): number => {
  let previous = Array.from({ length: b.length + 1 }, (_, column) => column);
  for (const [row, letter] of Array.from(a).entries()) {
    const current = [row + 1];
    for (const [column, other] of Array.from(b).entries()) {
      const replaced = (previous[column] ?? 0) + (letter === other ? 0 : 1);
      current.push(Math.min(replaced, (previous[column + 1] ?? 0) + 1, (current[column] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
};

/** The known names, sorted by similarity, the most similar first. */
export const namesByLikeness = (name: string, known: readonly string[]): readonly string[] =>
  known
    .map((candidate) => ({ candidate, edits: distance(name, candidate) }))
    .toSorted((a, b) => a.edits - b.edits)
    .map(({ candidate }) => candidate);

/** The most similar known name, if it is at most three edits away. */
export const closestName = (name: string, known: readonly string[]): string | undefined => {
  const [best] = namesByLikeness(name, known);
  return best !== undefined && distance(name, best) <= 3 ? best : undefined;
};
