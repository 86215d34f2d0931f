/** A position in a file. Lines and columns count from 1. */
export interface Place {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** A fault in a compose file or in a file that it names, and how to correct it. Contains no secrets. */
export interface ComposeProblem {
  readonly file: string;
  readonly line: number;
  readonly column?: number;
  /** Such as `services.web.ports[0]`; empty for the whole file. */
  readonly path: string;
  readonly message: string;
  readonly advice: string;
}

/** Editors and terminals turn the first part, `FILE:LINE:COLUMN`, into a link. */
export const formatProblem = (problem: ComposeProblem): string => {
  const column = problem.column === undefined ? '' : `:${problem.column}`;
  const path = problem.path === '' ? '' : ` ${problem.path}:`;
  return `${problem.file}:${problem.line}${column}:${path} ${problem.message}\n    → ${problem.advice}`;
};
