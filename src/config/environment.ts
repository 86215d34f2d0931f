import { readInputFileNow } from '../io/input-file.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import { environmentFile, environmentOf, type InstanceName } from './instance.ts';

const MAX_ENVIRONMENT_BYTES = 1024 ** 2;

/** An empty value counts as not set, as `NAME=` in an environment file is meant. */
export const valueIn = (env: NodeJS.ProcessEnv, name: string): string | undefined =>
  env[name] === '' ? undefined : env[name];

/** A file that is absent, or that this user may not read, counts as empty: the command names what it lacks. */
const readEnvironmentFile = (instance: InstanceName): Readonly<Record<string, string>> => {
  const read = readInputFileNow(environmentFile(instance), MAX_ENVIRONMENT_BYTES);
  return read.kind === 'bytes' ? parseEnvironmentFile(read.bytes.toString('utf8')) : {};
};

/**
 * The returned function reads the environment and the instance's file again at each call: a person's
 * `supercargo plan` sees what the daemon sees, and a reload sees what has changed. No other file reads the
 * environment, and this one reads no variable: what main loads for every command stays small.
 */
export const openEnvironment = (named: InstanceName): (() => NodeJS.ProcessEnv) => {
  const { SUPERCARGO_INSTANCE: inherited } = process.env;
  const instance = named ?? (inherited === '' ? undefined : inherited);
  const fileAtStart = readEnvironmentFile(instance);
  return () =>
    environmentOf({
      instance,
      file: readEnvironmentFile(instance),
      fileAtStart,
      inherited: process.env,
    });
};
