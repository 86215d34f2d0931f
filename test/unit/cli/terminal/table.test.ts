import { stripVTControlCharacters } from 'node:util';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createPalette, type Terminal } from '../../../../src/cli/terminal/colour.ts';
import { renderTable } from '../../../../src/cli/terminal/table.ts';
import { visibleWidth } from '../../../../src/cli/terminal/visible.ts';

const FILE: Terminal = { columns: undefined, colour: false };
const wide = (columns: number): Terminal => ({ columns, colour: false });

describe('renderTable', () => {
  it('aligns columns and ends no line with a space', () => {
    const table = {
      header: ['SERVICE', 'STATE', 'SINCE'],
      rows: [['web', 'converged', '2 min ago'], ['worker-queue', 'waiting', ''], ['db']],
    };
    expect(renderTable(table, FILE)).toBe(
      [
        'SERVICE       STATE      SINCE',
        'web           converged  2 min ago',
        'worker-queue  waiting',
        'db',
        '',
      ].join('\n'),
    );
  });

  it('shows nothing for no rows', () => {
    expect(renderTable({ header: ['A'], rows: [] }, FILE)).toBe('');
  });

  it('counts what is seen: colours take no room, CJK letters and emoji two cells', () => {
    const { good } = createPalette({ colour: true });
    const rows = [
      [good('ok'), '1'],
      ['日本', '2'],
      ['🚢', '3'],
      ['é\u0301', '4'],
    ];
    const lines = stripVTControlCharacters(renderTable({ rows }, FILE)).split('\n');
    expect(lines).toEqual(['ok    1', '日本  2', '🚢    3', 'é\u0301     4', '']);
  });

  it('wraps the last column below itself on a terminal', () => {
    expect(
      renderTable(
        {
          rows: [
            ['web', 'waits for a health check that never comes'],
            ['db', 'fine'],
          ],
        },
        wide(25),
      ),
    ).toBe(['web  waits for a health', '     check that never', '     comes', 'db   fine', ''].join('\n'));
  });

  it('cuts a word that is longer than the column', () => {
    expect(renderTable({ rows: [['id', `sha256:${'a'.repeat(30)}`]] }, wide(24))).toBe(
      `id  sha256:${'a'.repeat(13)}\n    ${'a'.repeat(17)}\n`,
    );
  });

  it('leaves breaking to the terminal where almost no room is left', () => {
    expect(renderTable({ rows: [['a'.repeat(20), 'one two three four five']] }, wide(30))).toBe(
      `${'a'.repeat(20)}  one two three four five\n`,
    );
  });

  it('lets no text from elsewhere control the terminal', () => {
    const rows = [['web\u001B]0;owned\u0007', 'a\r\nb\tc\u009B2J']];
    expect(renderTable({ rows }, FILE)).toBe('web ]0;owned   a  b c 2J\n');
  });

  it('makes the header strong in colour', () => {
    const text = renderTable({ header: ['A'], rows: [['x']] }, { columns: 80, colour: true });
    expect(text).toBe('\u001B[1mA\u001B[22m\nx\n');
  });

  it('is never wider than the terminal where the last column has room', () => {
    const cell = fc.string({ unit: 'grapheme-ascii', maxLength: 60 });
    fc.assert(
      fc.property(
        fc.string({ unit: 'grapheme-ascii', maxLength: 20 }),
        cell,
        fc.integer({ min: 40, max: 100 }),
        (name, text, columns) => {
          const lines = renderTable({ rows: [[name, text]] }, wide(columns)).split('\n');
          expect(lines.filter((line) => visibleWidth(line) > columns || line.endsWith(' '))).toEqual([]);
        },
      ),
    );
  });
});
