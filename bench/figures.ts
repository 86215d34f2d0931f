/** Of several measurements of the same thing. */
export interface Spread {
  readonly median: number;
  readonly min: number;
  readonly max: number;
}

export const spreadOf = (values: readonly number[]): Spread => {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)] ?? 0;
  return { median: middle, min: sorted[0] ?? 0, max: sorted.at(-1) ?? 0 };
};

export type Unit =
  | 'µs'
  | 'ms'
  | 's'
  | 'MB'
  | 'MiB'
  | 'KiB'
  | 'B'
  | 'calls'
  | 'requests'
  | 'a second'
  | 'cores'
  | 'hosts'
  | '%';

/** One line of the table: what was measured, and what beside it in the same run. */
export interface Row {
  readonly name: string;
  readonly unit: Unit;
  readonly ours: Spread;
  readonly yardstick: { readonly name: string; readonly spread?: Spread };
  readonly goal: string;
  readonly isMet: boolean;
}

/** What may take so many times as long, or as much, as its yardstick. */
export const relativeRow = (
  limit: number,
  row: Pick<Row, 'name' | 'unit' | 'ours'> & { readonly yardstick: Required<Row['yardstick']> },
  goal = `≤ ${String(limit)} ×`,
): Row => ({ ...row, goal, isMet: row.ours.median <= limit * row.yardstick.spread.median });

const DIGITS: Readonly<Record<Unit, number>> = {
  µs: 0,
  ms: 1,
  s: 2,
  MB: 1,
  MiB: 0,
  KiB: 1,
  B: 0,
  calls: 1,
  requests: 0,
  'a second': 0,
  cores: 2,
  hosts: 0,
  '%': 0,
};

export const valueText = (value: number, unit: Unit): string => `${value.toFixed(DIGITS[unit])} ${unit}`;

export const spreadText = ({ median, min, max }: Spread, unit: Unit): string => {
  const text = (value: number): string => value.toFixed(DIGITS[unit]);
  return `${valueText(median, unit)} (${text(min)}–${text(max)})`;
};

export const ratioOf = ({ ours, yardstick }: Pick<Row, 'ours' | 'yardstick'>): number | undefined =>
  yardstick.spread && yardstick.spread.median !== 0 ? ours.median / yardstick.spread.median : undefined;

const TITLES = ['', 'supercargo', 'yardstick', '', 'ratio', 'goal', ''] as const;

/** A table in Markdown, so that it can be kept as it is. */
export const markdownOf = (titles: readonly string[], lines: readonly (readonly string[])[]): string => {
  const widths = titles.map((title, column) =>
    Math.max(title.length, ...lines.map((cells) => (cells[column] ?? '').length)),
  );
  const line = (cells: readonly string[]): string =>
    `| ${cells.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  return [line(titles), line(widths.map((width) => '-'.repeat(width))), ...lines.map(line)].join('\n');
};

export const tableOf = (rows: readonly Row[]): string => {
  const lines = rows.map((row) => [
    row.name,
    spreadText(row.ours, row.unit),
    row.yardstick.name,
    row.yardstick.spread ? spreadText(row.yardstick.spread, row.unit) : '',
    ratioOf(row)?.toFixed(2) ?? '',
    row.goal,
    row.isMet ? 'met' : 'missed',
  ]);
  return markdownOf(TITLES, lines);
};
