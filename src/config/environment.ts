import { readInputFileNow } from '../io/input-file.ts';
import { parseEnvironmentFile } from './environment-file.ts';
import { environmentFile, environmentOf, type InstanceName } from './instance.ts';

const MAX_ENVIRONMENT_BYTES = 1024 ** 2;

/** An empty value counts as not set, because `NAME=` in an environment file means that. */
export const valueIn = (env: NodeJS.ProcessEnv, name: string): string | undefined =>
  env[name] === '' ? undefined : env[name];

/** A missing or unreadable file counts as empty; the command then reports the variables that it lacks. */
const readEnvironmentFile = (instance: InstanceName): Readonly<Record<string, string>> => {
  const read = readInputFileNow(environmentFile(instance), MAX_ENVIRONMENT_BYTES);
  return read.kind === 'bytes' ? parseEnvironmentFile(read.bytes.toString('utf8')) : {};
};

/**
 * The returned function reads the environment and the instance's file at each call, so that an operator's
 * `supercargo plan` sees what the daemon sees, and a reload sees changes. Only this file reads the
 * environment. It imports no variable definitions, because main loads it for every command.
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
