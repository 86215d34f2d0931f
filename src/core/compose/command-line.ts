import { report, type Reader } from './reader-context.ts';
import { listOf } from './readers.ts';
import { text } from './scalars.ts';
import { splitWords } from './split-words.ts';

/**
 * Reads `command` and `entrypoint`. Null keeps the image's own (undefined); an empty text or list clears it.
 */
export const commandLine: Reader<readonly string[]> = (node, c) => {
  if (node.kind === 'scalar' && node.value === null) return undefined;
  if (node.kind !== 'scalar') return listOf(text)(node, c);
  const line = text(node, c);
  if (line === undefined) return undefined;
  const split = splitWords(line);
  if (split.kind === 'ok') return split.words;
  return report(
    c,
    node,
    split.message,
    'write a list, with the shell in it if you need one: ["sh", "-c", "…"]',
  );
};
