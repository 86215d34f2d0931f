import type { Command } from 'commander';
import { createProgram } from '../../src/cli/program.ts';

export interface Described {
  /** `publish`; of a command below another one both words. Empty: the program itself. */
  readonly name: string;
  /** `supercargo publish [options] <env> <services...>` */
  readonly usage: string;
  readonly description: string;
  readonly options: readonly Term[];
  /** What --help says behind the options: examples and exit codes. */
  readonly more: string;
}

interface Term {
  /** `-n, --lines <n>` */
  readonly term: string;
  readonly flags: readonly string[];
  readonly takesValue: boolean;
  readonly description: string;
}

const describe = (command: Command, name: string): Described => {
  const help = command.createHelp();
  let whole = '';
  command.configureOutput({ writeOut: (text) => (whole += text) }).outputHelp();
  const own = command.helpInformation();
  return {
    name,
    usage: help.commandUsage(command),
    description: help.commandDescription(command),
    options: help.visibleOptions(command).map((option) => ({
      term: help.optionTerm(option),
      flags: [option.short, option.long].filter((flag) => flag !== undefined),
      takesValue: option.required || option.optional,
      description: help.optionDescription(option),
    })),
    more: whole.startsWith(own) ? whole.slice(own.length).trim() : '',
  };
};

const withChildren = (command: Command, name: string): readonly Described[] => [
  describe(command, name),
  ...command.commands.flatMap((child) => withChildren(child, `${name} ${child.name()}`.trim())),
];

/**
 * The program and all its commands, in their order, as the argument parser defines them: the one source of
 * what people read about them.
 */
export const describeProgram = (): readonly [Described, ...Described[]] => {
  const [program, ...commands] = withChildren(
    createProgram(process, () => async () => undefined),
    '',
  );
  if (program === undefined) throw new Error('the program describes nothing');
  return [program, ...commands];
};
