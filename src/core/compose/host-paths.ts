import { posix } from 'node:path';
import { quoted, report, type Context, type Reader } from './reader-context.ts';
import { filledText } from './scalars.ts';
import type { Node } from './node.ts';

/** Removes `.`, `..` and trailing slashes. */
const normal = (path: string): string => posix.normalize(path).replace(/(?<=.)\/+$/, '');

/**
 * Resolves a host path. `./x` is relative to the folder of compose.yaml. `~` is refused, because the agent
 * has no home.
 */
export const hostPath = (written: string, node: Node, c: Context): string | undefined => {
  if (written.startsWith('~')) {
    return report(c, node, '"~" has no meaning: the agent has no home folder', 'write the absolute path');
  }
  return normal(written.startsWith('/') ? written : posix.join(c.folder, written));
};

export const hostFile: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  return written === undefined ? undefined : hostPath(written, node, c);
};

const absolutePath = (written: string, node: Node, c: Context): string | undefined =>
  written.startsWith('/')
    ? normal(written)
    : report(
        c,
        node,
        `${quoted(c, node, written)} is not an absolute path in the container`,
        'begin it with "/"',
      );

/** Checks and normalizes the path of a mount inside a container. */
export const containerPath = (written: string, node: Node, c: Context): string | undefined => {
  const path = absolutePath(written, node, c);
  return path === '/' ? report(c, node, 'cannot be "/"', 'mount it below the root') : path;
};

/** Any folder inside a container, also its root. */
export const containerFolder: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  return written === undefined ? undefined : absolutePath(written, node, c);
};

export const containerFile: Reader<string> = (node, c) => {
  const written = filledText(node, c);
  return written === undefined ? undefined : containerPath(written, node, c);
};
