export type Words =
  | { readonly kind: 'ok'; readonly words: readonly string[] }
  | { readonly kind: 'fault'; readonly message: string };

const SPACE = /[ \t\r\n]/;
const SHELL = /[;&|<>()`]/;

const isAmbiguous = (escaped: string, quote: string | undefined): boolean =>
  quote === undefined ? escaped === 'n' || escaped === 't' : escaped !== '"' && escaped !== '\\';

/**
 * Splits a command at blanks like Compose, with quotes and backslashes. Compose 2 silently cuts the line at
 * an unquoted shell operator, and Compose 1 (shlex) and 2 (go-shellwords) differ in some escapes; these cases
 * are faults.
 */
export const splitWords = (line: string): Words => {
  const words: string[] = [];
  let word: string | undefined;
  let quote: string | undefined;
  for (let index = 0; index < line.length; index += 1) {
    const letter = line[index] ?? '';
    if (letter === '\\' && quote !== "'") {
      index += 1;
      const next = line[index];
      if (next === undefined) return { kind: 'fault', message: 'ends in a backslash' };
      if (isAmbiguous(next, quote)) {
        return {
          kind: 'fault',
          message: `a backslash before "${next}" means different things in different versions of Compose`,
        };
      }
      word = (word ?? '') + next;
    } else if (quote !== undefined) {
      if (letter === quote) quote = undefined;
      else word = (word ?? '') + letter;
    } else if (letter === '"' || letter === "'") {
      quote = letter;
      word ??= '';
    } else if (SPACE.test(letter)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else if (SHELL.test(letter)) {
      return { kind: 'fault', message: `"${letter}" means something to a shell, but no shell reads this` };
    } else {
      word = (word ?? '') + letter;
    }
  }
  if (quote !== undefined) return { kind: 'fault', message: 'has a quote that is never closed' };
  if (word !== undefined) words.push(word);
  return { kind: 'ok', words };
};
