/** As people choose them; each holds what some parser stumbles over. */
export const PLANTED = [
  'Xk9$mQ2v',
  'Xy$9jY8mB2n',
  'Xy${zQ7wVx3K!jY8mB2n}',
  'Xy${zQ7wVx3K}jY8mB2n',
  'Xy${zQ7wVx3K:?jY8mB2n}',
  'Xy${zQ7wVx3K:-jY8m${B2nW}}',
  '#zQ7wVx3K',
  'a #zQ7wVx3K',
  '"zQ7wVx3K',
  "'zQ7wVx3K",
  'zQ7w"Vx3KQ\'jY8m',
  '!zQ7wVx3K',
  '!!int zQ7wVx3K',
  '|zQ7wVx3K',
  '>zQ7wVx3K',
  '&zQ7wVx3K',
  '*zQ7wVx3K',
  '%zQ7wVx3K',
  '@zQ7wVx3K',
  '`zQ7wVx3K',
  '- zQ7wVx3K',
  '? zQ7wVx3K',
  'zQ7wVx3K: jY8m',
  '{zQ7wVx3K',
  '[zQ7wVx3K',
  'zQ7w}Vx3K',
  '"zQ7w\\qVx3K"',
  '004217',
  '0x00421Z',
  '1.4217e9',
  '004217.50',
  '\\zQ7wVx3K',
  'zQ7wVx3K\\',
  'zQ7wVx3K\njY8mB2n',
  '\tzQ7wVx3K',
  'truE004217',
] as const;

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
