import { createHash } from 'node:crypto';

import type { FileContent } from '../../core/compose/reader-context.ts';
import type { ComposeProject } from '../../core/compose/project-model.ts';
import type { ComposeProblem } from '../../core/compose/compose-problem.ts';
import {
  parseProject,
  referencedFiles,
  type ComposeText,
  type ProjectInput,
  type ReferencedFile,
} from '../../core/compose/project.ts';
import { readInputFile, type InputFile } from '../../io/input-file.ts';
import { createStaging, type Staging } from '../../io/staging.ts';
import { composeFilesFor, type ComposeFiles } from './project-files.ts';

const MAX_BYTES = 1024 ** 2;

/**
 * `watch` names every file that the result depends on, `folders` where a new file would change it; absolute
 * paths.
 */
export type ComposeResult = { readonly watch: readonly string[]; readonly folders: readonly string[] } & (
  | { readonly kind: 'ok'; readonly project: ComposeProject }
  | { readonly kind: 'errors'; readonly errors: readonly ComposeProblem[] }
);

/** For all files of a project together; a small file counts as one disk block. */
const MAX_TOTAL_BYTES = 16 * 1024 ** 2;
const BLOCK_BYTES = 4_096;
/** For all files of a project together. */
const PATIENCE_MS = 30_000;

/** The remaining limits of one reading of a project's files. */
interface Reading {
  left: number;
  readonly untilMs: number;
  /** A hanging file costs a thread, so no other file of the project is read after it. */
  hangs: boolean;
}

const begin = (): Reading => ({
  left: MAX_TOTAL_BYTES,
  untilMs: performance.now() + PATIENCE_MS,
  hangs: false,
});

/** Reads at most MAX_BYTES of a regular file; failures are values. */
const readCapped = async (
  path: string,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<InputFile> => {
  if (reading.hangs || performance.now() > reading.untilMs)
    return { kind: 'unusable', message: 'is not read: other files of the project take too long' };
  const read = await readInputFile(path, MAX_BYTES, signal);
  if (read.kind === 'unusable' && read.hangs === true) reading.hangs = true;
  if (read.kind !== 'bytes') return read;
  reading.left -= Math.max(BLOCK_BYTES, read.bytes.length);
  if (reading.left >= 0) return read;
  return { kind: 'unusable', message: 'makes the files of this project larger than 16 MiB together' };
};

const decode = (bytes: Buffer): FileContent => {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { kind: 'unusable', message: 'is not UTF-8 text' };
  }
};

/** Only the hash of a secret or config leaves this function. */
const readReferenced = async (
  file: ReferencedFile,
  { staging }: Roots,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<FileContent> => {
  const content = await readCapped(staging?.locate(file.path) ?? file.path, reading, signal);
  if (content.kind !== 'bytes') return content;
  if (file.purpose !== 'secret' && file.purpose !== 'config') return decode(content.bytes);
  return { kind: 'hash', sha256: createHash('sha256').update(content.bytes).digest('hex') };
};

const problemOf = (file: string, content: FileContent): ComposeProblem | undefined => {
  const at = { file, line: 1, path: '' };
  switch (content.kind) {
    case 'missing':
      return { ...at, message: 'does not exist', advice: 'let Chef write it' };
    case 'unreadable':
      return { ...at, message: 'may not be read', advice: 'let the agent read it (chmod, chown)' };
    case 'unusable':
      return { ...at, message: content.message, advice: 'write a YAML text file of at most 1 MiB' };
    case 'text':
    case 'hash':
    default:
      return undefined;
  }
};

/** A referenced file can lead to others (`env_file: ${NAME}.env`), in at most this many rounds. */
const MAX_ROUNDS = 5;

interface Referenced {
  readonly file: ReferencedFile;
  readonly content: FileContent;
}

/** The compose files of a staged folder, under their final paths. */
const inPlace = ({ folder, files, folders, problems }: ComposeFiles, { placeOf }: Staging): ComposeFiles => ({
  folder: placeOf(folder),
  files: files.map(placeOf),
  folders: folders.map(placeOf),
  problems: problems.map((problem) => ({ ...problem, file: placeOf(problem.file) })),
});

const readAllReferenced = async (
  roots: Roots,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Referenced>> => {
  const read = new Map<string, Referenced>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const unread = referencedFiles(inputOf(roots, read)).filter((file) => !read.has(file.path));
    if (unread.length === 0) break;
    for (const file of unread)
      read.set(file.path, { file, content: await readReferenced(file, roots, reading, signal) });
  }
  return read;
};

interface Roots {
  readonly staging: Staging | undefined;
  readonly folder: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly texts: readonly ComposeText[];
  readonly errors: readonly ComposeProblem[];
}

const readRoots = async (
  path: string,
  candidate: string | undefined,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<Roots> => {
  const staging = candidate === undefined ? undefined : createStaging(candidate, path);
  const { folder, files, folders, problems } =
    candidate !== undefined && staging?.isFolder === true
      ? inPlace(await composeFilesFor(candidate, false, signal), staging)
      : await composeFilesFor(path, candidate !== undefined, signal);
  const errors: ComposeProblem[] = [...problems];
  const texts: ComposeText[] = [];
  for (const file of files) {
    const bytes = await readCapped(staging?.locate(file) ?? file, reading, signal);
    const content = bytes.kind === 'bytes' ? decode(bytes.bytes) : bytes;
    const problem = problemOf(file, content);
    if (problem) errors.push(problem);
    else if (content.kind === 'text') texts.push({ path: file, text: content.text });
  }
  return { staging, folder, files, folders, texts, errors };
};

/** The inputs of a result; equal inputs give the same result. */
interface Sources {
  readonly roots: string;
  readonly referenced: ReadonlyMap<string, Referenced>;
}

const areUnchanged = async (
  { referenced }: Sources,
  roots: Roots,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<boolean> => {
  for (const { file, content } of referenced.values())
    if (JSON.stringify(await readReferenced(file, roots, reading, signal)) !== JSON.stringify(content))
      return false;
  return true;
};

/**
 * Reads the project that `path` belongs to: a file, a folder with compose.yaml and compose.d/*.yaml, or a
 * file inside a compose.d. A `candidate` is judged in the place of `path`: a file, or a folder with all
 * compose files and those of the files they name that change. Every call reads all files,
 * but parses them only after a change: with fifty services a tick takes 1 ms of CPU time instead of 40 ms. An
 * unchanged project is the same object. Problems are values.
 * @throws only if `signal` is aborted
 */
export const createComposeReader = (path: string, candidate?: string) => {
  let last: (Sources & { readonly result: ComposeResult }) | undefined;
  return async (signal?: AbortSignal): Promise<ComposeResult> => {
    const reading = begin();
    const roots = await readRoots(path, candidate, reading, signal);
    const text = JSON.stringify(roots);
    if (last?.roots === text && (await areUnchanged(last, roots, reading, signal))) return last.result;
    const { referenced, result } = await parse(roots, begin(), signal);
    last = { roots: text, referenced, result };
    return result;
  };
};

/**
 * Turns a crash of the reader, which is a fault of ours, into a problem: containers keep running, and the
 * next change is read.
 */
const parse = async (
  roots: Roots,
  reading: Reading,
  signal: AbortSignal | undefined,
): Promise<{ readonly referenced: ReadonlyMap<string, Referenced>; readonly result: ComposeResult }> => {
  try {
    const referenced = await readAllReferenced(roots, reading, signal);
    return { referenced, result: resultOf(roots, inputOf(roots, referenced)) };
  } catch (error) {
    signal?.throwIfAborted();
    const { folder, files, folders } = roots;
    const name = error instanceof Error ? error.name : 'Error';
    const problem = {
      file: files[0] ?? folder,
      line: 1,
      path: '',
      message: `the project cannot be read: the reader failed (${name})`,
      advice: 'undo the last change of the compose files and of the files they name, and report this fault',
    };
    const result: ComposeResult = { kind: 'errors', errors: [problem], watch: files, folders };
    return { referenced: new Map(), result };
  }
};

const inputOf = ({ folder, texts }: Roots, referenced: ReadonlyMap<string, Referenced>): ProjectInput => ({
  folder,
  files: texts,
  read: new Map([...referenced].map(([name, { content }]) => [name, content])),
});

const resultOf = ({ files, folders, errors }: Roots, input: ProjectInput): ComposeResult => {
  // Watching a folder blocks the event loop on its file system, so hanging ones are left out.
  const named = [...input.read].filter(
    ([, content]) => content.kind !== 'unusable' || content.hangs !== true,
  );
  const watch = [...new Set([...files, ...named.map(([name]) => name)])].toSorted();
  const parsed = parseProject(input);
  // Without an unreadable file its services would look removed, so any error means no project.
  if (parsed.kind === 'ok' && errors.length === 0) return { ...parsed, watch, folders };
  return {
    kind: 'errors',
    errors: [...errors, ...(parsed.kind === 'errors' ? parsed.errors : [])],
    watch,
    folders,
  };
};

/** Reads once, for a command. */
export const readCompose = (path: string, signal?: AbortSignal, candidate?: string): Promise<ComposeResult> =>
  createComposeReader(path, candidate)(signal);
