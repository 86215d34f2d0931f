import type { NewReport } from '../../core/ports/fleet-store.ts';

/** Summaries and documents of reports, one behind the other. */
export interface ReportBodies {
  readonly bytes: Buffer;
  /** Where the summary of each report begins, from 1; its document follows. */
  readonly starts: readonly number[];
  readonly summaryLengths: readonly number[];
  readonly documentLengths: readonly number[];
}

/** The server reads an array of texts character by character, which took longer than to store them. */
export const packBodies = (reports: readonly NewReport[]): ReportBodies => {
  const summaries = reports.map(({ summary }) => Buffer.from(JSON.stringify(summary)));
  const summaryLengths = summaries.map(({ length }) => length);
  const documentLengths = reports.map(({ bytes }) => bytes.length);
  const starts: number[] = [];
  const parts: Uint8Array[] = [];
  let next = 1;
  for (const [at, { bytes }] of reports.entries()) {
    const summary = summaries[at] ?? Buffer.alloc(0);
    starts.push(next);
    parts.push(summary, bytes);
    next += summary.length + bytes.length;
  }
  return { bytes: Buffer.concat(parts), starts, summaryLengths, documentLengths };
};
