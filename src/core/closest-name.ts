/** The number of edits between two names. Swapping two neighbours is one edit (Damerau and Levenshtein). */
const distance = (a: string, b: string): number => {
  let before: number[] = [];
  let row = Array.from({ length: b.length + 1 }, (_empty, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const change = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1];
      const swap = isSwap ? (before[j - 2] ?? 0) + 1 : change;
      next.push(Math.min(change, swap, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1));
    }
    before = row;
    row = next;
  }
  return row[b.length] ?? 0;
};

const plain = (name: string): string => name.toLowerCase().replaceAll('-', '_');

const ranked = (name: string, known: readonly string[]) =>
  known
    .map((candidate) => ({ candidate, edits: distance(plain(name), plain(candidate)) }))
    .toSorted((a, b) => a.edits - b.edits);

/** The known names, the most similar first. */
export const namesByLikeness = (name: string, known: readonly string[]): readonly string[] =>
  ranked(name, known).map(({ candidate }) => candidate);

/** The most similar known name, unless more than three letters, or more than a third, differ. */
export const closestName = (name: string, known: readonly string[]): string | undefined => {
  // The comparison takes quadratic time, and no known name is this long.
  if (name.length > 64) return undefined;
  const [best] = ranked(name, known);
  return best && best.edits <= Math.max(1, Math.min(3, Math.floor(name.length / 3)))
    ? best.candidate
    : undefined;
};
