import type { FileContent } from '../../../../src/core/compose/reader-context.ts';
import type { ComposeProject, Service } from '../../../../src/core/compose/project-model.ts';
import { formatProblem, type ComposeProblem } from '../../../../src/core/compose/compose-problem.ts';
import { parseProject, type ParsedProject, type ProjectInput } from '../../../../src/core/compose/project.ts';

export const FOLDER = '/etc/supercargo';
export const MAIN = `${FOLDER}/compose.yaml`;

/** Texts by file name below FOLDER; files that they name by absolute path. */
export const inputOf = (
  files: Record<string, string>,
  read: Record<string, FileContent> = {},
): ProjectInput => ({
  folder: FOLDER,
  files: Object.entries(files).map(([name, text]) => ({ path: `${FOLDER}/${name}`, text })),
  read: new Map(Object.entries(read)),
});

export const parseText = (text: string, read: Record<string, FileContent> = {}): ParsedProject =>
  parseProject(inputOf({ 'compose.yaml': text }, read));

export const projectOf = (text: string, read: Record<string, FileContent> = {}): ComposeProject => {
  const parsed = parseText(text, read);
  if (parsed.kind === 'ok') return parsed.project;
  throw new Error(parsed.errors.map(formatProblem).join('\n'));
};

/** The lines of service `web`, each indented by the test at column 0. */
export const webFile = (lines: string, top = ''): string =>
  `services:\n  web:\n    image: org/web\n${lines.replaceAll(/^(?=.)/gm, '    ')}\n${top}`;

export const webOf = (lines: string, top = '', read: Record<string, FileContent> = {}): Service => {
  const service = projectOf(webFile(lines, top), read).services['web'];
  if (service === undefined) throw new Error('no service web');
  return service;
};

export const errorsOf = (parsed: ParsedProject): readonly ComposeProblem[] =>
  parsed.kind === 'errors' ? parsed.errors : [];

/** `LINE PATH: MESSAGE → ADVICE` of each error. */
export const briefly = (parsed: ParsedProject): readonly string[] =>
  errorsOf(parsed).map(({ line, path, message, advice }) => `${line} ${path}: ${message} → ${advice}`);

export const webErrors = (
  lines: string,
  top = '',
  read: Record<string, FileContent> = {},
): readonly string[] => briefly(parseText(webFile(lines, top), read));
