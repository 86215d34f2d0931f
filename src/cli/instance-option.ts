import type { InstanceName } from '../config/instance.ts';

const OPTION = /^--instance(?:=(?<name>.*))?$/s;

/**
 * Takes `--instance NAME` out of a command line, wherever it stands: it decides which files the configuration
 * is read from, so it has to be known before any command is. One without a name stays, and is the parser's to
 * refuse.
 */
export const takeInstance = (
  argv: readonly string[],
): { readonly instance: InstanceName; readonly words: readonly string[] } => {
  const at = argv.findIndex((word) => OPTION.test(word));
  const joined = OPTION.exec(argv[at] ?? '')?.groups?.['name'];
  const instance = joined ?? argv[at + 1];
  if (at === -1 || instance === undefined) return { instance: undefined, words: argv };
  return { instance, words: argv.toSpliced(at, joined === undefined ? 2 : 1) };
};
