import { createHash } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { FileContent } from '../../core/compose/context.ts';
import type { ComposeProject } from '../../core/compose/model.ts';
import type { ComposeProblem } from '../../core/compose/problem.ts';
import {
  parseProject,
  referencedFiles,
  type ComposeText,
  type ProjectInput,
  type ReferencedFile,
} from '../../core/compose/project.ts';
import { messageOf } from '../../core/errors.ts';
import { composeFilesFor } from './files.ts';

const MAX_BYTES = 1024 ** 2;

/** `watch`: every file that the answer depends on; `folders`: where a new file would change it. Absolute paths. */
export type ComposeResult = { readonly watch: readonly string[]; readonly folders: readonly string[] } & (
  | { readonly kind: 'ok'; readonly project: ComposeProject }
  | { readonly kind: 'errors'; readonly errors: readonly ComposeProblem[] }
);

const codeOf = (error: unknown): string =>
  error instanceof Error && 'code' in error ? String(error.code) : '';

type Bytes =
  { readonly kind: 'bytes'; readonly bytes: Buffer } | Exclude<FileContent, { kind: 'text' | 'hash' }>;

/** At most MAX_BYTES of a regular file; what stands in the way is a value. */
const readCapped = async (path: string, signal: AbortSignal | undefined): Promise<Bytes> => {
  signal?.throwIfAborted();
  try {
    // Opening a FIFO that nobody writes to would never end.
    const info = await stat(path);
    if (!info.isFile()) return { kind: 'unusable', message: 'is not a regular file' };
    if (info.size > MAX_BYTES) return { kind: 'unusable', message: 'is larger than 1 MiB' };
    const bytes = await readFile(path, signal ? { signal } : {});
    return { kind: 'bytes', bytes };
  } catch (error) {
    if (signal?.aborted === true) throw error;
    const code = codeOf(error);
    if (code === 'ENOENT' || code === 'ENOTDIR') return { kind: 'missing' };
    if (code === 'EACCES' || code === 'EPERM') return { kind: 'unreadable' };
    return { kind: 'unusable', message: `cannot be read: ${messageOf(error)}` };
  }
};

const decode = (bytes: Buffer): FileContent => {
  try {
    return { kind: 'text', text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    return { kind: 'unusable', message: 'is not UTF-8 text' };
  }
};

/** Of a secret or config only the hash leaves this function. */
const readReferenced = async (
  file: ReferencedFile,
  signal: AbortSignal | undefined,
): Promise<FileContent> => {
  const content = await readCapped(file.path, signal);
  if (content.kind !== 'bytes') return content;
  if (file.purpose === 'variables' || file.purpose === 'environment') return decode(content.bytes);
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

/** Reading one referenced file can name others (`env_file: ${NAME}.env`); this many rounds are more than enough. */
const MAX_ROUNDS = 5;

interface Referenced {
  readonly file: ReferencedFile;
  readonly content: FileContent;
}

const readAllReferenced = async (
  roots: Roots,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<string, Referenced>> => {
  const read = new Map<string, Referenced>();
  for (let round = 0; round < MAX_ROUNDS; round += 1) {
    const wanted = referencedFiles(inputOf(roots, read)).filter((file) => !read.has(file.path));
    if (wanted.length === 0) break;
    for (const file of wanted) read.set(file.path, { file, content: await readReferenced(file, signal) });
  }
  return read;
};

interface Roots {
  readonly folder: string;
  readonly files: readonly string[];
  readonly folders: readonly string[];
  readonly texts: readonly ComposeText[];
  readonly errors: readonly ComposeProblem[];
}

/** `candidate`: a file whose content stands for that of `path`. */
const readRoots = async (
  path: string,
  candidate: string | undefined,
  signal: AbortSignal | undefined,
): Promise<Roots> => {
  const { folder, files, folders, problems } = await composeFilesFor(path, candidate !== undefined);
  const errors: ComposeProblem[] = [...problems];
  const texts: ComposeText[] = [];
  for (const file of files) {
    const bytes = await readCapped(file === resolve(path) ? (candidate ?? file) : file, signal);
    const content = bytes.kind === 'bytes' ? decode(bytes.bytes) : bytes;
    const problem = problemOf(file, content);
    if (problem) errors.push(problem);
    else if (content.kind === 'text') texts.push({ path: file, text: content.text });
  }
  return { folder, files, folders, texts, errors };
};

/** What a result was made of: the same again gives the same result. */
interface Sources {
  readonly roots: string;
  readonly referenced: ReadonlyMap<string, Referenced>;
}

const areUnchanged = async ({ referenced }: Sources, signal: AbortSignal | undefined): Promise<boolean> => {
  for (const { file, content } of referenced.values())
    if (JSON.stringify(await readReferenced(file, signal)) !== JSON.stringify(content)) return false;
  return true;
};

/**
 * Reads the project that `path` belongs to: a file, a folder with compose.yaml and compose.d/*.yaml, or a file inside a
 * compose.d. With a `candidate` the content of that file is judged as that of `path`. Every call reads all files, and parses them only where one has changed: for fifty services that takes a tick
 * from 40 ms of CPU time to 1. An unchanged project is the very same object. Everything that is wrong is a value.
 * @throws only where `signal` is aborted.
 */
export const createComposeReader = (path: string, candidate?: string) => {
  let last: (Sources & { readonly result: ComposeResult }) | undefined;
  return async (signal?: AbortSignal): Promise<ComposeResult> => {
    const roots = await readRoots(path, candidate, signal);
    const text = JSON.stringify(roots);
    if (last?.roots === text && (await areUnchanged(last, signal))) return last.result;
    const referenced = await readAllReferenced(roots, signal);
    const result = resultOf(roots, inputOf(roots, referenced));
    last = { roots: text, referenced, result };
    return result;
  };
};

const inputOf = ({ folder, texts }: Roots, referenced: ReadonlyMap<string, Referenced>): ProjectInput => ({
  folder,
  files: texts,
  read: new Map([...referenced].map(([name, { content }]) => [name, content])),
});

const resultOf = ({ files, folders, errors }: Roots, input: ProjectInput): ComposeResult => {
  const watch = [...new Set([...files, ...input.read.keys()])].toSorted();
  const parsed = parseProject(input);
  // A file that could not be read would make its services look removed: no project then, only errors.
  if (parsed.kind === 'ok' && errors.length === 0) return { ...parsed, watch, folders };
  return {
    kind: 'errors',
    errors: [...errors, ...(parsed.kind === 'errors' ? parsed.errors : [])],
    watch,
    folders,
  };
};

/** Once, for a command. */
export const readCompose = (path: string, signal?: AbortSignal, candidate?: string): Promise<ComposeResult> =>
  createComposeReader(path, candidate)(signal);
