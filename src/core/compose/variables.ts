import { posix } from 'node:path';
import { nodeAt, report, type Context } from './reader-context.ts';
import { addDotenv, isUnusable } from './container-environment.ts';
import { hostPath } from './host-paths.ts';
import type { MapNode, Node } from './node.ts';

const declared = (root: MapNode, c: Context): readonly { path: string; node: Node }[] => {
  const extension = root.entries.get('x-supercargo')?.value;
  const node = extension && nodeAt(extension, 'env-file');
  if (node === undefined || node === extension) return [];
  const items = node.kind === 'list' ? node.items : [node];
  return items.flatMap((item) => {
    const written = item.kind === 'scalar' && typeof item.value === 'string' ? item.value : '';
    if (written === '' || written.includes('$')) {
      report(c, item, 'is not a path', 'write a path without variables: this file is what defines them');
      return [];
    }
    const path = hostPath(written, item, c);
    return path === undefined ? [] : [{ path, node: item }];
  });
};

/**
 * The variables for `${NAME}`: from `.env` beside compose.yaml, then from the files in `x-supercargo:
 * {env-file: PATH}` at the top level, in the order of the compose files. Later files override earlier ones.
 * The agent's own environment is never used.
 */
export const readVariables = (roots: readonly MapNode[], c: Context): ReadonlyMap<string, string> => {
  const values = new Map<string, string>();
  const implicit = posix.join(c.folder, '.env');
  const content = c.ask(implicit, 'variables');
  if (content.kind === 'text') addDotenv(c, implicit, content.text, values);
  else if (content.kind !== 'missing') {
    const place = { file: implicit, line: 1, column: 1 };
    if (content.kind === 'unusable')
      report(c, { place, path: '' }, content.message, 'put a regular file there, or remove it');
    else
      report(c, { place, path: '' }, 'may not be read', 'let the agent read it (chmod, chown), or remove it');
  }
  for (const root of roots) {
    for (const { path, node } of declared(root, c)) {
      const file = c.ask(path, 'variables');
      if (!isUnusable(c, node, path, file) && file.kind === 'text') addDotenv(c, path, file.text, values);
    }
  }
  return values;
};
