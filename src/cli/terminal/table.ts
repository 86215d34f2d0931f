import { createPalette, type Terminal } from './colour.ts';
import { printable, visibleWidth } from './visible.ts';

export interface Table {
  /** Absent for lists of names and values. */
  readonly header?: readonly string[];
  /** Cells may hold colours. Missing cells at the end of a row are empty. */
  readonly rows: readonly (readonly string[])[];
}

const GAP = '  ';
/** The least width at which the last column is wrapped; below it the terminal breaks the lines. */
const LEAST_WIDTH = 16;

const padded = (cell: string, width: number): string =>
  cell + ' '.repeat(Math.max(0, width - visibleWidth(cell)));

/** Cuts a long word (a digest) to the width, but not a coloured one: a cut could split its codes. */
const piecesOf = (word: string, width: number): readonly string[] => {
  const isPlain = visibleWidth(word) === word.length;
  return isPlain && word.length > width ? (word.match(new RegExp(`.{1,${width}}`, 'g')) ?? []) : [word];
};

/** Breaks at spaces. @returns at least one line. */
const wrap = (text: string, width: number): readonly string[] => {
  if (visibleWidth(text) <= width) return [text];
  const lines: string[] = [];
  for (const piece of text.split(' ').flatMap((word) => piecesOf(word, width))) {
    const last = lines.at(-1);
    if (last !== undefined && visibleWidth(last) + 1 + visibleWidth(piece) <= width)
      lines[lines.length - 1] = `${last} ${piece}`;
    else lines.push(piece);
  }
  return lines;
};

/**
 * Aligns the columns, two spaces apart. On a terminal, wraps the last column within the remaining width. Ends
 * with a line break; empty without rows.
 */
export const renderTable = ({ header, rows }: Table, terminal: Terminal): string => {
  if (rows.length === 0) return '';
  const { strong } = createPalette(terminal);
  const lines = [...(header === undefined ? [] : [header.map((title) => strong(title))]), ...rows].map(
    (row) => row.map(printable),
  );
  const count = Math.max(...lines.map((line) => line.length));
  const widths = Array.from({ length: count - 1 }, (_, column) =>
    Math.max(...lines.map((line) => visibleWidth(line[column] ?? ''))),
  );
  const before = widths.reduce((sum, width) => sum + width + GAP.length, 0);
  const left = (terminal.columns ?? Number.POSITIVE_INFINITY) - before;
  const renderLine = (line: readonly string[]): string => {
    const start = widths.map((width, column) => padded(line[column] ?? '', width) + GAP).join('');
    const last = line[count - 1] ?? '';
    const parts = left < LEAST_WIDTH ? [last] : wrap(last, left);
    return parts
      .map((part, index) => `${index === 0 ? start : ' '.repeat(before)}${part}`.trimEnd())
      .join('\n');
  };
  return `${lines.map(renderLine).join('\n')}\n`;
};
