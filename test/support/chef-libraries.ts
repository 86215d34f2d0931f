import { join } from 'node:path';
import { runCommand } from './command.ts';
import { supercargo } from './host.ts';

interface Asked {
  readonly compose?: readonly object[];
  readonly env?: readonly Readonly<Record<string, string>>[];
  readonly logins?: readonly (readonly [registry: string, login: object])[];
  /** What is wanted in this folder, in one run after the other. */
  readonly sets?: readonly object[];
  readonly folder?: string;
}

interface Written {
  readonly yaml: readonly string[];
  readonly env: readonly (string | { readonly refused: string })[];
  readonly logins: string;
  readonly sets: readonly (readonly [code: number, output: string, files: readonly string[]])[];
  readonly variables: {
    readonly properties: Readonly<Record<string, string>>;
    readonly others: readonly string[];
  };
}

/** Runs the libraries of the cookbook (chef-libraries.rb). */
export const askLibraries = async ({
  compose = [],
  env = [],
  logins = [],
  sets = [],
  folder,
}: Asked): Promise<Written> => {
  const program = join(import.meta.dirname, 'chef-libraries.rb');
  const { code, stdout, stderr } = await runCommand('ruby', [program], {
    input: JSON.stringify({ compose, env, logins, sets, folder, program: supercargo }),
  });
  if (code !== 0) throw new Error(stderr);
  return JSON.parse(stdout) as Written;
};
