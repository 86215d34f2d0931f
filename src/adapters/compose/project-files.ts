import type { Dirent } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import type { ComposeProblem } from '../../core/compose/compose-problem.ts';
import { withinDeadline } from '../../io/disk-wait.ts';
import { unreadOf, unreadText } from '../../io/input-file.ts';

const FRAGMENTS = 'compose.d';
const MAIN_NAMES = ['compose.yaml', 'compose.yml'];
const OLD_NAMES = ['docker-compose.yaml', 'docker-compose.yml'];
/** Compose merges these into the main file. */
const OVERRIDE_NAMES = [...MAIN_NAMES, ...OLD_NAMES].map((name) => name.replace('.', '.override.'));
const KNOWN_NAMES: ReadonlySet<string> = new Set([FRAGMENTS, ...MAIN_NAMES, ...OLD_NAMES, ...OVERRIDE_NAMES]);

/** The compose files of one project, in reading order, and the problems. All paths are absolute. */
export interface ComposeFiles {
  /** The folder of compose.yaml and compose.d; relative paths in every file start here. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Where a new file would change the project. */
  readonly folders: readonly string[];
  readonly problems: readonly ComposeProblem[];
}

const problem = (file: string, message: string, advice: string): ComposeProblem => ({
  file,
  line: 1,
  path: '',
  message,
  advice,
});

/** Editors and Chef leave half-written hidden files. */
const isFragment = (name: string): boolean => /^[^.].*\.ya?ml$/.test(name);

const isMissing = (error: unknown): boolean =>
  error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');

const noneIfMissing = (error: unknown): [] => {
  if (isMissing(error)) return [];
  throw error;
};

type Kind = 'file' | 'folder' | 'missing';

const kindOf = async (path: string, signal?: AbortSignal): Promise<Kind> => {
  try {
    return (await withinDeadline(path, () => stat(path), signal)).isDirectory() ? 'folder' : 'file';
  } catch (error) {
    if (isMissing(error)) return 'missing';
    throw error;
  }
};

const kindOfEntry = async (folder: string, entry: Dirent, signal?: AbortSignal): Promise<Kind> => {
  if (entry.isSymbolicLink()) return kindOf(join(folder, entry.name), signal);
  return entry.isDirectory() ? 'folder' : 'file';
};

/**
 * The kinds of compose.yaml, compose.d and the like, from one reading of the folder, because a stat of a
 * missing name costs an error.
 */
const kindsIn = async (folder: string, signal?: AbortSignal): Promise<ReadonlyMap<string, Kind>> => {
  const read = withinDeadline(folder, () => readdir(folder, { withFileTypes: true }), signal);
  const entries = await read.catch(noneIfMissing);
  const ours = entries.filter(({ name }) => KNOWN_NAMES.has(name));
  const kinds = ours.map(async (entry) => [entry.name, await kindOfEntry(folder, entry, signal)] as const);
  return new Map(await Promise.all(kinds));
};

const fragmentsIn = async (folder: string, signal?: AbortSignal): Promise<readonly string[]> => {
  const path = join(folder, FRAGMENTS);
  const names = await withinDeadline(path, () => readdir(path), signal).catch(noneIfMissing);
  return names.filter(isFragment).map((name) => join(path, name));
};

const OVERRIDE_FAULT = [
  'is merged into compose.yaml by Compose, but supercargo merges no files',
  'let "docker compose config --no-interpolate" write one compose.yaml of both, and remove this file',
] as const;

/** `fragment` counts even if it does not exist yet. */
const filesOfFolder = async (
  folder: string,
  signal?: AbortSignal,
  fragment?: string,
): Promise<ComposeFiles> => {
  const kinds = await kindsIn(folder, signal);
  const filesOf = (names: readonly string[]): readonly string[] =>
    names.filter((name) => kinds.get(name) === 'file').map((name) => join(folder, name));
  const mains = filesOf(MAIN_NAMES);
  const found = kinds.get(FRAGMENTS) === 'folder' ? await fragmentsIn(folder, signal) : [];
  const fragments = new Set([...found, ...(fragment === undefined ? [] : [fragment])]);
  const files = [...mains, ...[...fragments].toSorted()];
  const problems: ComposeProblem[] = [];
  const [old] = filesOf(OLD_NAMES);
  if (files.length === 0 && old !== undefined) {
    const advice = 'rename it to compose.yaml, or set SUPERCARGO_COMPOSE to its path';
    problems.push(problem(old, 'is not read: in a folder only compose.yaml is', advice));
  } else if (files.length === 0) {
    problems.push(
      problem(
        folder,
        'holds no compose.yaml and no compose.d/*.yaml',
        'let Chef write compose.yaml there, or set SUPERCARGO_COMPOSE',
      ),
    );
  }
  if (mains.length > 1)
    problems.push(problem(mains[1] ?? folder, 'lies beside compose.yaml', 'keep one of the two'));
  for (const override of filesOf(OVERRIDE_NAMES)) problems.push(problem(override, ...OVERRIDE_FAULT));
  return { folder, files, folders: [folder, join(folder, FRAGMENTS)], problems };
};

/** The project of a file inside a compose.d; the file need not exist yet. */
const filesOfFragment = async (fragment: string, signal?: AbortSignal): Promise<ComposeFiles> => {
  const folder = dirname(dirname(fragment));
  if (isFragment(basename(fragment))) return filesOfFolder(folder, signal, fragment);
  // Reading only its siblings would approve a file that was not read.
  const unread = problem(
    fragment,
    'is not read: compose.d takes only *.yaml and *.yml files that are not hidden',
    'rename it, or name the final file with --as',
  );
  return { folder, files: [], folders: [folder, dirname(fragment)], problems: [unread] };
};

/**
 * Finds the files of one project: a folder means its compose.yaml (or compose.yml) and compose.d/*.yaml,
 * sorted; a file inside a compose.d means that whole project; any other file stands alone. With `isFile`,
 * `path` counts as a file, even if it does not exist.
 */
export const composeFilesFor = async (
  path: string,
  isFile = false,
  signal?: AbortSignal,
): Promise<ComposeFiles> => {
  const absolute = resolve(path);
  const parent = dirname(absolute);
  try {
    const kind = isFile ? 'file' : await kindOf(absolute, signal);
    if (kind === 'folder')
      return await filesOfFolder(basename(absolute) === FRAGMENTS ? parent : absolute, signal);
    if (kind === 'file' && basename(parent) === FRAGMENTS) return await filesOfFragment(absolute, signal);
    if (kind === 'file') return { folder: parent, files: [absolute], folders: [parent], problems: [] };
    const missing = problem(absolute, 'does not exist', 'let Chef write it, or set SUPERCARGO_COMPOSE');
    return { folder: parent, files: [], folders: [parent], problems: [missing] };
  } catch (error) {
    signal?.throwIfAborted();
    const unreadable = problem(absolute, unreadText(unreadOf(error)), 'let the agent read it (chmod, chown)');
    return { folder: parent, files: [], folders: [parent], problems: [unreadable] };
  }
};
