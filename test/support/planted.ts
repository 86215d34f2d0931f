/** So short a part of a value says something about it; shorter ones stand everywhere. */
const PART = 4;

/** Every part of a value that may not be shown: its runs of letters and digits, four at a time. */
export const partsOf = (value: string): readonly string[] => {
  const runs = value.match(/[A-Za-z0-9]{4,}/g) ?? [];
  const parts = runs.flatMap((run) =>
    Array.from({ length: run.length - PART + 1 }, (_, at) => run.slice(at, at + PART)),
  );
  return [...new Set([value, ...parts])];
};
