import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const execute = promisify(execFile);

/** Resolves with what the program prints. @throws with what it complained about. */
export const run = async (
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<string> => {
  const { stdout } = await execute(program, args, { env: { ...process.env, LC_ALL: 'C.UTF-8', ...env } });
  return stdout;
};
