/** Where something was written. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/**
 * One thing that is wrong in a compose file (or in a file that it names), and what to do about it. Holds no
 * values.
 */
export interface ComposeProblem {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  /** As in `services.web.ports[0]`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly advice: string;
}

/**
 * `FILE:LINE:COLUMN: PATH: MESSAGE`, and the advice on a second line: editors and terminals make the first
 * part a link.
 */
export const formatProblem = (problem: ComposeProblem): string => {
  const column = problem.column === undefined ? '' : `:${problem.column}`;
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  return `${problem.file}:${problem.line}${column}:${path} ${problem.message}\n    → ${problem.advice}`;
};
