import { watch, type FSWatcher } from 'node:fs';
import { basename, dirname, join } from 'node:path';

export interface PathWatch {
  /** After this, `onChange` is not called again. */
  readonly close: () => void;
}

export interface WatchTargets {
  readonly files: readonly string[];
  /** Folders in which any YAML file counts. A missing folder is tried again at every change of its parent. */
  readonly folders: readonly string[];
}

/** Chef writes file by file, and a half-written project is broken. */
const QUIET_MS = 500;

/** The names that count, by folder. */
const namesByFolder = (targets: WatchTargets): ReadonlyMap<string, ReadonlySet<string>> => {
  const names = new Map<string, Set<string>>();
  const add = (folder: string, name: string | undefined): void => {
    const known = names.get(folder) ?? new Set<string>();
    if (name !== undefined) known.add(name);
    names.set(folder, known);
  };
  for (const file of targets.files) add(dirname(file), basename(file));
  for (const folder of targets.folders) {
    add(folder, undefined);
    add(dirname(folder), basename(folder));
  }
  return names;
};

/**
 * Calls `onChange` after a change and `quietMs` without another. Watches folders and not files, because a
 * rename replaces a file by another. The next poll finds a change that the kernel loses.
 */
export const watchPaths = (
  targets: WatchTargets,
  onChange: () => void,
  quietMs: number = QUIET_MS,
): PathWatch => {
  const names = namesByFolder(targets);
  const wholeFolders = new Set(targets.folders);
  const watchers = new Map<string, FSWatcher>();
  const state: { timer: NodeJS.Timeout | undefined; closed: boolean } = { timer: undefined, closed: false };

  const changed = (): void => {
    clearTimeout(state.timer);
    state.timer = setTimeout(onChange, quietMs);
    state.timer.unref();
  };
  const counts = (folder: string, name: string | null): boolean =>
    name === null ||
    names.get(folder)?.has(name) === true ||
    (wholeFolders.has(folder) && /^[^.].*\.ya?ml$/.test(name));
  const drop = (folder: string): void => {
    watchers.get(folder)?.close();
    watchers.delete(folder);
  };
  const open = (folder: string): boolean => {
    if (state.closed || watchers.has(folder)) return false;
    try {
      const watcher = watch(folder, { persistent: false }, (event, name) => {
        // A watch follows an inode and not a name, so it ends when its folder or the folder's parent reports
        // a rename.
        if (event === 'rename' && name === basename(folder)) drop(folder);
        if (event === 'rename' && name !== null) drop(join(folder, name));
        if (openAll() || counts(folder, name)) changed();
      });
      watcher.on('error', () => {
        drop(folder);
        changed();
      });
      watchers.set(folder, watcher);
      return true;
    } catch {
      // Missing or unreadable now: the parent's watch or the next poll finds the folder.
      return false;
    }
  };
  const openAll = (): boolean => [...names.keys()].map(open).includes(true);

  openAll();
  return {
    close: () => {
      state.closed = true;
      clearTimeout(state.timer);
      for (const folder of watchers.keys()) drop(folder);
    },
  };
};
