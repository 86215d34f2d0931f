import { FAULTS, type FaultName } from '../test/faults/table.ts';

/** One test of vitest's JSON report. */
export interface ReportedTest {
  readonly ancestorTitles: readonly string[];
  readonly title: string;
  readonly status: string;
}

interface Tried {
  readonly fault: FaultName;
  readonly where: string;
  readonly moments: number;
  readonly hasPassed: boolean;
}

const isFault = (name: string): name is FaultName => name in FAULTS;

/**
 * A title is `FAULT (BY) at MOMENT, MOMENT: …`; on the simulated host each moment is a test below its fault.
 */
const triedIn = ({ ancestorTitles, title, status }: ReportedTest): readonly Tried[] => {
  const words = [...ancestorTitles, title].map((text) => text.replaceAll("'", ''));
  const fault = words.flatMap((text) => text.split(/[ :]/, 1)).find(isFault);
  if (fault === undefined) return [];
  const scene = words.find((text) => text.startsWith('in the middle of '));
  const own = title.replaceAll("'", '');
  const by = /\(([^)]*)\)/.exec(own)?.[1];
  const [, at = ''] = / at ([^:]*): /.exec(own) ?? [];
  const real = /^at every (?:byte|look)/.test(own) ? 'a file of its own' : 'a real host';
  const where =
    scene === undefined
      ? `${real}${by === undefined ? '' : `: ${by}`}`
      : `simulated: ${scene.slice('in the middle of '.length)}`;
  return [{ fault, where, moments: at.split(', ').length, hasPassed: status === 'passed' }];
};

/** Faults × places, with the number of moments, and what came of them. */
export const faultsTable = (tests: readonly ReportedTest[]): string => {
  const ran = tests.filter(({ status }) => status === 'passed' || status === 'failed');
  const groups = Map.groupBy(ran.flatMap(triedIn), ({ fault, where }) => `${fault}\n${where}`);
  const rows = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (!first) return [];
    const count = group.reduce((sum, { moments }) => sum + moments, 0);
    const failed = group.filter(({ hasPassed }) => !hasPassed).length;
    const outcome = failed === 0 ? 'as without the fault' : `${String(failed)} FAILED`;
    return [
      {
        ...first,
        count,
        cells: [FAULTS[first.fault].fault.replaceAll('`', ''), first.where, String(count), outcome],
      },
    ];
  });
  const sorted = rows.toSorted(
    (a, b) => Object.keys(FAULTS).indexOf(a.fault) - Object.keys(FAULTS).indexOf(b.fault),
  );
  const lines = [['fault', 'where', 'moments', 'ends'], ...sorted.map(({ cells }) => cells)];
  const widths = [0, 1, 2].map((column) => Math.max(...lines.map((cells) => cells[column]?.length ?? 0)));
  const text = lines.map((cells) =>
    cells
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  );
  const faults = new Set(sorted.map(({ fault }) => fault)).size;
  const moments = sorted.reduce((sum, { count }) => sum + count, 0);
  return `${text.join('\n')}\n\n${String(faults)} faults in ${String(sorted.length)} rows, at ${String(moments)} moments`;
};
