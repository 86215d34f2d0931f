import { checkServices } from './project-checks.ts';
import {
  hint,
  isName,
  MAX_PROBLEMS,
  report,
  type Context,
  type Defined,
  type FileContent,
  type FilePurpose,
  type Reader,
} from './reader-context.ts';
import { fileSource, network, volume } from './definitions.ts';
import { NAME } from '../docker-names.ts';
import { memoize } from '../memoize.ts';
import { projectAllowance } from './interpolate.ts';
import { DEFAULT_NETWORK, type ComposeProject, type Hint } from './project-model.ts';
import type { ComposeProblem } from './compose-problem.ts';
import { expectMap, fields, toRecord } from './readers.ts';
import { bool } from './scalars.ts';
import { readService, type WrittenService } from './service.ts';
import type { MapNode, Node } from './node.ts';
import { linkServices } from './links.ts';
import { parseTree } from './tree.ts';
import { UNSUPPORTED_TOP_KEYS } from './unsupported.ts';
import { readVariables } from './variables.ts';

export interface ComposeText {
  readonly path: string;
  readonly text: string;
}

/** A file that the compose files name. `path` is absolute. */
export interface ReferencedFile {
  readonly path: string;
  readonly purpose: FilePurpose;
}

export interface ProjectInput {
  /** The folder of compose.yaml, absolute. For files in compose.d, the folder that contains compose.d. */
  readonly folder: string;
  readonly files: readonly ComposeText[];
  /** The results of reading referenced files, by absolute path. A file without a result counts as missing. */
  readonly read: ReadonlyMap<string, FileContent>;
}

export type ParsedProject =
  | { readonly kind: 'ok'; readonly project: ComposeProject }
  | { readonly kind: 'errors'; readonly errors: readonly ComposeProblem[] };

type Section = 'services' | 'networks' | 'volumes' | 'secrets' | 'configs';
type Sections = Readonly<Record<Section, Map<string, Node>>>;

/** Names that every JavaScript object inherits. */
const isReserved = (name: string): boolean => name in {};

/** Collects a section from all files. A name defined twice is an error that names both places. */
const collect =
  (section: Map<string, Node>): Reader<true> =>
  (node, c) => {
    for (const [name, { keyPlace, value }] of expectMap(node, c)?.entries ?? []) {
      const at = { place: keyPlace, path: value.path };
      const other = section.get(name);
      if (!NAME.test(name) || isReserved(name)) {
        report(
          c,
          at,
          `${isName(name) ? `"${name}"` : 'this'} cannot be a name`,
          'use letters, digits, "_", "." and "-", beginning with a letter or digit',
        );
      } else if (other) {
        const where = `${other.place.file}:${other.place.line}`;
        report(
          c,
          at,
          `"${name}" is already defined in ${where}`,
          'keep one of the two: files are never merged',
        );
      } else {
        section.set(name, { ...value, place: keyPlace });
      }
    }
    return true;
  };

const version: Reader<true> = (node, c) => {
  hint(c, node, 'version: is obsolete and ignored by Compose: remove it');
  return true;
};

const projectName: Reader<true> = (node, c) => {
  hint(c, node, 'name: is ignored: SUPERCARGO_ENVIRONMENT names the project');
  return true;
};

/** `variables.ts` reads this key, before interpolation is possible. */
const envFileKey: Reader<true> = () => true;

const topTable = (sections: Sections) => ({
  version,
  name: projectName,
  services: collect(sections.services),
  networks: collect(sections.networks),
  volumes: collect(sections.volumes),
  secrets: collect(sections.secrets),
  configs: collect(sections.configs),
  'x-supercargo': fields({ 'allow-empty': bool, 'env-file': envFileKey }),
});

/** One project takes several passes, until it names no new file; each file is parsed only once. */
const treeOf = memoize(({ path, text }: ComposeText) => parseTree(path, text));

/** Files of Compose's first format define services at the top level. */
const isWithoutServices = ({ entries }: MapNode): boolean =>
  !entries.has('services') &&
  [...entries].some(
    ([key, { value }]) =>
      !key.startsWith('x-') &&
      value.kind === 'map' &&
      (value.entries.has('image') || value.entries.has('build')),
  );

const readRoots = (files: readonly ComposeText[], problems: ComposeProblem[]): readonly MapNode[] =>
  files.flatMap((file) => {
    const { root, problems: faults } = treeOf(file);
    problems.push(...faults);
    if (root === undefined) return [];
    if (root.kind === 'map' && !isWithoutServices(root)) return [root];
    // Only comments: Chef may leave behind a file without definitions.
    if (root.kind === 'scalar' && root.value === null) return [];
    const [message, advice] =
      root.kind === 'map'
        ? ['names services without services: above them', 'write services: first, and indent what follows']
        : [`is a ${root.kind}, not a map`, 'begin with services:'];
    problems.push({ ...root.place, path: '', message, advice });
    return [];
  });

const readAll = <T>(
  nodes: ReadonlyMap<string, Node>,
  c: Context,
  read: (node: Node, c: Context, name: string) => T | undefined,
) => {
  const found = [...nodes].flatMap(([name, node]): [string, T][] => {
    const value = read(node, c, name);
    return value === undefined ? [] : [[name, value]];
  });
  return new Map(found.toSorted(([a], [b]) => (a < b ? -1 : 1)));
};

const readSources = (nodes: ReadonlyMap<string, Node>, c: Context, purpose: 'secret' | 'config') => {
  const found = readAll(nodes, c, fileSource(purpose));
  return new Map([...nodes.keys()].map((name) => [name, found.get(name)]));
};

const usesDefault = ({ service }: WrittenService): boolean => {
  const mode = service.container.networkMode;
  return mode.kind === 'networks' && mode.attachments.some((attachment) => attachment.network === 'default');
};

const NOTHING: Defined = {
  services: new Set(),
  networks: new Map(),
  volumes: new Set(),
  secrets: new Map(),
  configs: new Map(),
};

const emptySections = (): Sections => ({
  services: new Map(),
  networks: new Map(),
  volumes: new Map(),
  secrets: new Map(),
  configs: new Map(),
});

const placeOf = ({ file, line, column }: ComposeProblem): string => `${file}:${line}:${column ?? 0}`;

/**
 * In the order of files and lines, each fault once: services may share an env_file or an anchor. What stands
 * at the place of a YAML fault is a consequence of it.
 */
const inOrder = (
  problems: readonly ComposeProblem[],
  files: readonly ComposeText[],
): readonly ComposeProblem[] => {
  const ranks = new Map(files.map((file, index) => [file.path, index]));
  const rank = (problem: ComposeProblem): number => ranks.get(problem.file) ?? files.length;
  const faults = new Map(
    files.flatMap((file) => treeOf(file).problems).map((fault) => [placeOf(fault), fault]),
  );
  const unique = new Map<string, ComposeProblem>();
  for (const problem of problems) {
    const place = placeOf(problem);
    const key = faults.has(place) ? place : `${place} ${problem.message} ${problem.advice}`;
    if (!unique.has(key)) unique.set(key, faults.get(place) ?? problem);
  }
  const sorted = [...unique.values()].toSorted(
    (a, b) => rank(a) - rank(b) || a.line - b.line || (a.column ?? 0) - (b.column ?? 0),
  );
  const rest = sorted[MAX_PROBLEMS];
  if (rest === undefined) return sorted;
  const message = 'there are more problems from here on';
  return [
    ...sorted.slice(0, MAX_PROBLEMS),
    { ...rest, path: '', message, advice: 'correct the first ones, and check again' },
  ];
};

/** In the order of lines, and each once: services may share an anchor. */
const uniqueHints = (hints: readonly Hint[]): readonly Hint[] =>
  [...new Map(hints.toReversed().map((h) => [`${h.file}:${h.line} ${h.message}`, h])).values()].toSorted(
    (a, b) => (a.file === b.file ? a.line - b.line : a.file < b.file ? -1 : 1),
  );

const readProject = (roots: readonly MapNode[], base: Context): ComposeProject => {
  const sections = emptySections();
  const tops = roots.map((root) => fields(topTable(sections), UNSUPPORTED_TOP_KEYS)(root, base));
  const networks = readAll(sections.networks, base, network);
  const volumes = readAll(sections.volumes, base, volume);
  const defined: Defined = {
    services: new Set(sections.services.keys()),
    // An invalid definition is reported once, not again for each service that uses it.
    networks: new Map(
      [...sections.networks.keys()].map((name) => [name, networks.get(name) ?? DEFAULT_NETWORK]),
    ),
    volumes: new Set(sections.volumes.keys()),
    secrets: readSources(sections.secrets, base, 'secret'),
    configs: readSources(sections.configs, base, 'config'),
  };
  const c: Context = { ...base, defined };
  const services = linkServices(readAll(sections.services, c, readService), c);
  checkServices(services, c);
  if ([...services.values()].some(usesDefault) && !networks.has('default'))
    networks.set('default', DEFAULT_NETWORK);
  return {
    services: toRecord([...services].map(([name, { service }]) => [name, service] as const)),
    networks: toRecord(networks),
    volumes: toRecord(volumes),
    allowEmpty: tops.some((top) => top?.['x-supercargo']?.['allow-empty'] === true),
    hints: uniqueHints(c.hints),
    needs: c.needs,
  };
};

interface Pass {
  readonly result: ParsedProject;
  readonly asked: ReadonlyMap<string, FilePurpose>;
}

const pass = (input: ProjectInput): Pass => {
  const asked = new Map<string, FilePurpose>();
  const problems: ComposeProblem[] = [];
  const roots = readRoots(input.files, problems);
  const ask = (path: string, purpose: FilePurpose): FileContent => {
    if (!asked.has(path)) asked.set(path, purpose);
    return input.read.get(path) ?? { kind: 'missing' };
  };
  const start: Context = {
    folder: input.folder,
    variables: new Map(),
    defined: NOTHING,
    problems,
    hints: [],
    needs: [],
    allowance: projectAllowance(),
    ask,
  };
  const variables = readVariables(roots, start);
  const project = readProject(roots, { ...start, variables });
  if (problems.length === 0) return { asked, result: { kind: 'ok', project } };
  return { asked, result: { kind: 'errors', errors: inOrder(problems, input.files) } };
};

/**
 * The files that `parseProject` needs. A file may define variables in the path of another one, so the caller
 * reads and asks again until no new file appears.
 */
export const referencedFiles = (input: ProjectInput): readonly ReferencedFile[] =>
  [...pass(input).asked].map(([path, purpose]) => ({ path, purpose }));

/**
 * Combines compose files into one project without merging definitions. Returns the project, or all problems
 * in the order of files and lines. Never throws.
 */
export const parseProject = (input: ProjectInput): ParsedProject => pass(input).result;
