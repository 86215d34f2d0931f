import { nodeAt, report, spend, type Context, type FileContent, type Reader } from './reader-context.ts';
import { parseDotenv } from './dotenv.ts';
import { variablesIn, type Lookup } from './interpolate.ts';
import { hostFile } from './host-paths.ts';
import { assignments, fields, toRecord, type Assignment } from './readers.ts';
import { bool } from './scalars.ts';
import type { Node } from './node.ts';

type Environment = Readonly<Record<string, string>>;

/** Reads `environment`. A name without a value takes it from the interpolation files, or is left out. */
export const environment: Reader<Environment> = (node, c) => {
  const pairs = assignments(node, c)?.flatMap(({ key, value, node: at }): [string, string][] => {
    if (key.includes('=') || key.includes('\0')) {
      report(c, at, 'a name holds "=" or NUL', 'write NAME: VALUE');
      return [];
    }
    if (node.kind === 'list' && /\s/.test(key)) {
      report(c, at, 'a name contains white space', 'write NAME=VALUE without spaces around "="');
      return [];
    }
    const given = value ?? c.variables.get(key);
    return given === undefined ? [] : [[key, given]];
  });
  return pairs && toRecord(pairs);
};

const OWNED = ['io.supercargo.', 'com.docker.compose.'];

const reportLabel = (c: Context, { key, node }: Assignment): void => {
  const owner = OWNED.find((prefix) => key.startsWith(prefix));
  if (owner !== undefined)
    report(c, node, `labels under ${owner} belong to supercargo`, 'use a name of your own');
};

export const labels: Reader<Environment> = (node, c) => {
  const list = assignments(node, c);
  for (const label of list ?? []) reportLabel(c, label);
  return list && toRecord(list.map(({ key, value }) => [key, value ?? ''] as const));
};

/** The cost of one line of an env file, charged to the project's allowance each time the file is named. */
const LINE_COST = 32;

interface EnvFile {
  readonly path: string;
  readonly required: boolean;
  readonly node: Node;
}

const ENV_FILE_KEYS = { path: hostFile, required: bool };
const ENV_FILE_UNSUPPORTED = { format: 'remove it, and put values with "$" into single quotes in the file' };

const envFile: Reader<EnvFile> = (node, c) => {
  if (node.kind === 'scalar') {
    const path = hostFile(node, c);
    return path === undefined ? undefined : { path, required: true, node };
  }
  const read = fields(ENV_FILE_KEYS, ENV_FILE_UNSUPPORTED)(node, c);
  if (read === undefined) return undefined;
  if (node.kind === 'map' && !node.entries.has('path'))
    return report(c, node, 'has no path', 'add path: FILE');
  return read.path === undefined
    ? undefined
    : { path: read.path, required: read.required ?? true, node: nodeAt(node, 'path') };
};

/** Parses the text of a dotenv file into `values` and reports problems at the lines of that file. */
export const addDotenv = (c: Context, path: string, text: string, values: Map<string, string>): void => {
  const lookup: Lookup = (name) => values.get(name) ?? c.variables.get(name);
  const start = { place: { file: path, line: 1, column: 1 }, path: '' };
  if (!spend(c, start, text.length + LINE_COST * text.split('\n').length)) return;
  const parsed = parseDotenv(text, lookup, c.allowance);
  for (const fault of parsed.faults) {
    c.problems.push({
      file: path,
      line: fault.line,
      path: fault.name,
      message: fault.message,
      advice: fault.advice,
    });
  }
  for (const [name, value] of parsed.values) values.set(name, value);
};

/** Hides a path that contains the value of a variable. */
export const pathText = (at: Node, path: string): string => {
  const names = at.kind === 'scalar' ? variablesIn(at.source) : [];
  return names.length === 0
    ? path
    : `the file with ${names.map((n) => `\${${n}}`).join(' and ')} in its name`;
};

/** Reports why the file named at `at` cannot be used. Returns false if it can be used. */
export const isUnusable = (c: Context, at: Node, path: string, content: FileContent): boolean => {
  const shown = pathText(at, path);
  if (content.kind === 'missing')
    report(c, at, `${shown} does not exist`, 'create the file, or correct the path');
  else if (content.kind === 'unreadable')
    report(c, at, `${shown} may not be read`, 'let the agent read it (chmod, chown)');
  else if (content.kind === 'unusable') report(c, at, `${shown} ${content.message}`, 'name a regular file');
  else return false;
  return true;
};

/** Reads `env_file`. Later files override earlier ones. */
export const envFiles: Reader<Environment> = (node, c) => {
  const values = new Map<string, string>();
  const items = node.kind === 'list' ? node.items : [node];
  for (const item of items) {
    const file = envFile(item, c);
    if (file === undefined) continue;
    const content = c.ask(file.path, 'environment');
    if (content.kind === 'missing' && !file.required) continue;
    if (!isUnusable(c, file.node, file.path, content) && content.kind === 'text')
      addDotenv(c, file.path, content.text, values);
  }
  return toRecord(values);
};
