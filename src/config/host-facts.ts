import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { homedir, hostname } from 'node:os';
import { dirname } from 'node:path';
import type { AgentError } from '../core/errors.ts';
import { permissionDenied } from '../io/permission-denied.ts';
import { environmentFile, type InstanceName } from './instance.ts';

/** The facts about the machine that defaults depend on. */
export interface Surroundings {
  readonly fileExists: (path: string) => boolean;
  /** Whether systemd provides this credential to us. */
  readonly hasCredential: (path: string) => boolean;
  /**
   * The error if this user may not read the instance's file: its variables are then only seemingly missing.
   */
  readonly denied: (instance: InstanceName) => AgentError | undefined;
  /** The advice for a wrong configuration. */
  readonly adviceOn: (instance: InstanceName) => string;
  readonly hostname: string;
  readonly home: string;
  /** Whether the log goes to a terminal. */
  readonly isTerminal: boolean;
}

export const correctFile = (instance: InstanceName): string =>
  `correct ${environmentFile(instance)} (or the environment of this command) and start it again`;

/** Any other error counts as "exists", so that an unreadable trust file does not allow unsigned manifests. */
const fileExists = (path: string): boolean => {
  try {
    statSync(path);
    return true;
  } catch (error) {
    return !['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
  }
};

/** A user without a passwd entry has no home; a missing folder of logins is no error. */
const homeOfUser = (): string => {
  try {
    return homedir();
  } catch {
    return '/';
  }
};

/** None if the folder is not there, or if this user may not read it. */
const instancesHere = (): readonly string[] => {
  try {
    const entries = readdirSync(dirname(environmentFile(undefined)), { withFileTypes: true });
    return entries
      .filter((entry) => entry.isDirectory() && existsSync(environmentFile(entry.name)))
      .map(({ name }) => name)
      .toSorted();
  } catch {
    return [];
  }
};

const denied = (instance: InstanceName): AgentError | undefined => {
  const file = environmentFile(instance);
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EACCES' ? permissionDenied(file) : undefined;
  }
};

/** An operator who asks the wrong agent has no file to correct. */
const adviceOn = (instance: InstanceName): string => {
  const file = environmentFile(instance);
  if (existsSync(file)) return correctFile(instance);
  const others = instancesHere();
  return others.length === 0
    ? `write ${file} (or the environment of this command) and start it again`
    : `this host has the instances ${others.join(', ')}: name one with --instance, or write ${file}`;
};

export const readSurroundings = (): Surroundings => ({
  fileExists,
  hasCredential: existsSync,
  denied,
  adviceOn,
  hostname: hostname(),
  home: homeOfUser(),
  isTerminal: process.stdout.isTTY,
});
