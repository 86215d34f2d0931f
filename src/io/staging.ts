import { lstatSync, statSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

/** New files that are judged as if they were in their final place, before anything replaces what is there. */
export interface Staging {
  /** Whether the new files are a folder, which stands for the folder at `place`. */
  readonly isFolder: boolean;
  /**
   * Where the content of an absolute path is read: among the new files, else at the path itself. A link to
   * nothing among the new files stands for a file that is to be removed.
   */
  readonly locate: (path: string) => string;
  /** The final path of a new file. */
  readonly placeOf: (path: string) => string;
}

/** `staged` is a file or a folder, `place` the path that it is to take. */
export const createStaging = (staged: string, place: string): Staging => {
  const [from, to] = [resolve(staged), resolve(place)];
  return {
    isFolder: statSync(from, { throwIfNoEntry: false })?.isDirectory() === true,
    locate: (path) => {
      const inside = relative(to, path);
      if (inside === '') return from;
      if (inside === '..' || inside.startsWith('../')) return path;
      const candidate = join(from, inside);
      return lstatSync(candidate, { throwIfNoEntry: false }) ? candidate : path;
    },
    placeOf: (path) => join(to, relative(from, path)),
  };
};
