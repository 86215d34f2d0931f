import type { InstanceName } from '../config/instance.ts';

const OPTION = /^--instance(?:=(?<name>.*))?$/s;

/**
 * Takes `--instance NAME` out of a command line, at any position: it selects the configuration files, so it
 * must be known before the command line is parsed. Without a name it stays, and the parser refuses it.
 */
export const takeInstance = (
  argv: readonly string[],
): { readonly instance: InstanceName; readonly args: readonly string[] } => {
  const at = argv.findIndex((arg) => OPTION.test(arg));
  const joined = OPTION.exec(argv[at] ?? '')?.groups?.['name'];
  const instance = joined ?? argv[at + 1];
  if (at === -1 || instance === undefined) return { instance: undefined, args: argv };
  return { instance, args: argv.toSpliced(at, joined === undefined ? 2 : 1) };
};
