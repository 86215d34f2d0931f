import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  parseDocument,
  Scalar,
  visit,
  type Document,
  type Node as YamlNode,
  type Pair,
  type YAMLMap,
} from 'yaml';
import { yamlFault } from '../parse-fault.ts';
import { isName, MAX_PROBLEMS } from './reader-context.ts';
import { joinPath, rebase, type Entry, type MapNode, type Node, type ScalarNode } from './node.ts';
import type { ComposeProblem, Place } from './compose-problem.ts';
import { yamlExcess } from './yaml-size.ts';

export interface Tree {
  /** Undefined if a problem leaves the structure in doubt: further problems would be consequences of it. */
  readonly root: Node | undefined;
  readonly problems: readonly ComposeProblem[];
}

/** Aliases repeat their targets, so a few lines can mean billions of nodes. */
const MAX_NODES = 50_000;
const MAX_DEPTH = 64;

const ADVICE: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  MULTIPLE_DOCS: 'keep one document in each file: put the other into compose.d/NAME.yaml',
  TAG_RESOLVE_FAILED:
    'put the value into quotes; supercargo reads plain YAML without !reset, !override and other tags',
};
const SYNTAX_ADVICE = 'correct the YAML syntax here';
/** Faults of one value, beside which the rest of the file can be read. */
const VALUE_FAULTS: readonly string[] = ['TAG_RESOLVE_FAILED', 'BAD_DQ_ESCAPE'];

interface Walk {
  readonly file: string;
  readonly lines: LineCounter;
  readonly targets: ReadonlyMap<YamlNode, YamlNode>;
  readonly open: Set<YamlNode>;
  readonly problems: ComposeProblem[];
  nodes: number;
  /** Entries are missing from the tree. */
  isIncomplete: boolean;
}

const placeAt = (walk: Pick<Walk, 'file' | 'lines'>, offset: number): Place => {
  const at = walk.lines.linePos(offset);
  return { file: walk.file, line: Math.max(1, at.line), column: Math.max(1, at.col) };
};

const report = (walk: Walk, place: Place, path: string, message: string, advice: string): void => {
  walk.problems.push({ ...place, path, message, advice });
};

/** A later anchor may reuse a name, so aliases are bound in document order. */
const bindAliases = (document: Document): ReadonlyMap<YamlNode, YamlNode> => {
  const anchors = new Map<string, YamlNode>();
  const targets = new Map<YamlNode, YamlNode>();
  visit(document, {
    Node: (_key, node) => {
      if (isAlias(node)) {
        const target = anchors.get(node.source);
        if (target) targets.set(node, target);
      } else if (node.anchor !== undefined) {
        anchors.set(node.anchor, node);
      }
    },
  });
  return targets;
};

const nothing = (place: Place, path: string): ScalarNode => ({
  kind: 'scalar',
  place,
  path,
  value: null,
  source: '',
  plain: true,
});

const scalarNode = (walk: Walk, node: Scalar, place: Place, path: string): ScalarNode => {
  const { value } = node;
  const isText = typeof value === 'string';
  if (!isText && typeof value !== 'number' && typeof value !== 'boolean' && value !== null) {
    report(walk, place, path, 'is neither text, number, boolean nor null', SYNTAX_ADVICE);
    return nothing(place, path);
  }
  const plain = node.type === undefined || node.type === Scalar.PLAIN;
  return {
    kind: 'scalar',
    place,
    path,
    value,
    source: isText ? value : (node.source ?? String(value)),
    plain,
  };
};

/** `!!merge <<` is the full spelling of `<<`. */
const MERGE_TAG = 'tag:yaml.org,2002:merge';

const isMergeKey = (key: unknown): boolean =>
  isScalar(key) &&
  (key.tag === MERGE_TAG || (key.value === '<<' && (key.type === undefined || key.type === Scalar.PLAIN)));

const keyText = (key: unknown): string | undefined => {
  if (!isScalar(key)) return undefined;
  if (typeof key.value === 'string') return key.value;
  return typeof key.value === 'number' || typeof key.value === 'boolean'
    ? (key.source ?? String(key.value))
    : undefined;
};

/** The entries of `<<: *a` or `<<: [*a, *b]`. In a list, the earlier map wins. */
const mergedEntries = (walk: Walk, source: Node, path: string): [string, Entry][] => {
  if (source.kind === 'map') return [...source.entries];
  if (source.kind === 'list') {
    return source.items.toReversed().flatMap((item) => mergedEntries(walk, item, path));
  }
  walk.isIncomplete = true;
  report(
    walk,
    source.place,
    path,
    '"<<" needs a map, or a list of maps',
    'name an anchored map: <<: *defaults',
  );
  return [];
};

const addPair = (
  walk: Walk,
  pair: Pair,
  owner: { place: Place; path: string },
  own: Map<string, Entry>,
  merged: Map<string, Entry>,
): void => {
  const range = (pair.key as YamlNode | null)?.range;
  const keyPlace = range ? placeAt(walk, range[0]) : owner.place;
  const key = isMergeKey(pair.key) ? '<<' : keyText(pair.key);
  if (key === undefined || key === '') {
    walk.isIncomplete = true;
    report(walk, keyPlace, owner.path, 'a key is not text', 'write keys as plain text');
    return;
  }
  const path = joinPath(owner.path, key);
  if (isMergeKey(pair.key) ? merged.size > 0 : own.has(key)) {
    report(
      walk,
      keyPlace,
      path,
      `${isName(key) ? `"${key}"` : 'a key'} is set twice`,
      'keep one of the two: the other would be lost silently',
    );
    return;
  }
  const value = pair.value === null ? nothing(keyPlace, path) : build(walk, pair.value as YamlNode, path);
  if (!isMergeKey(pair.key)) {
    own.set(key, { keyPlace, value });
    return;
  }
  for (const [name, entry] of mergedEntries(walk, value, path)) {
    merged.set(name, { keyPlace: entry.keyPlace, value: rebase(entry.value, joinPath(owner.path, name)) });
  }
};

const mapNode = (walk: Walk, node: YAMLMap, place: Place, path: string): MapNode => {
  const own = new Map<string, Entry>();
  const merged = new Map<string, Entry>();
  for (const pair of node.items) addPair(walk, pair, { place, path }, own, merged);
  return { kind: 'map', place, path, entries: new Map([...merged, ...own]) };
};

const build = (walk: Walk, node: YamlNode, path: string): Node => {
  const place = placeAt(walk, node.range?.[0] ?? 0);
  walk.nodes += 1;
  if (walk.nodes > MAX_NODES) {
    walk.isIncomplete = true;
    if (walk.nodes === MAX_NODES + 1) {
      report(
        walk,
        place,
        path,
        `more than ${MAX_NODES} values`,
        'use fewer aliases: they multiply what they name',
      );
    }
    return nothing(place, path);
  }
  const target = isAlias(node) ? walk.targets.get(node) : node;
  if (target === undefined) {
    report(walk, place, path, 'this alias has no anchor above it', 'set the anchor first: &NAME');
    return nothing(place, path);
  }
  if (walk.open.has(target) || walk.open.size >= MAX_DEPTH) {
    const message = walk.open.has(target) ? 'an alias that contains itself' : 'nested too deeply';
    report(walk, place, path, message, 'write the value instead of the alias, or use fewer levels');
    return nothing(place, path);
  }
  if (isScalar(target)) return scalarNode(walk, target, place, path);
  walk.open.add(target);
  try {
    if (isMap(target)) return mapNode(walk, target, place, path);
    if (!isSeq(target)) return nothing(place, path);
    const items = target.items.map((item, index) => build(walk, item as YamlNode, `${path}[${index}]`));
    return { kind: 'list', place, path, items };
  } finally {
    walk.open.delete(target);
  }
};

const whole = (file: string, message: string, advice: string): Tree => ({
  root: undefined,
  problems: [{ file, line: 1, column: 1, path: '', message, advice }],
});

const parseText = (file: string, text: string): Tree => {
  const excess = yamlExcess(text);
  if (excess === 'too-deep') return whole(file, yamlFault('RESOURCE_EXHAUSTION'), SYNTAX_ADVICE);
  if (excess === 'too-large')
    return whole(
      file,
      'has too many parts',
      'split it into files of compose.d, or close a quote that is open',
    );
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, uniqueKeys: false });
  const found = [...document.errors, ...document.warnings];
  const faults = found.slice(0, MAX_PROBLEMS + 1).map((fault): ComposeProblem => {
    return {
      ...placeAt({ file, lines }, fault.pos[0]),
      path: '',
      message: yamlFault(fault.code),
      advice: ADVICE[fault.code] ?? SYNTAX_ADVICE,
    };
  });
  if (found.some(({ code }) => !VALUE_FAULTS.includes(code))) return { root: undefined, problems: faults };
  const targets = bindAliases(document);
  const walk: Walk = {
    file,
    lines,
    targets,
    open: new Set(),
    problems: [...faults],
    nodes: 0,
    isIncomplete: false,
  };
  const root =
    document.contents === null
      ? nothing({ file, line: 1, column: 1 }, '')
      : build(walk, document.contents, '');
  return { root: walk.isIncomplete ? undefined : root, problems: walk.problems };
};

/** Parses one file. The root is null for an empty file or one with only comments. Never throws. */
export const parseTree = (file: string, text: string): Tree => {
  try {
    return parseText(file, text);
  } catch {
    // The YAML package recurses: ten thousand brackets overflow the stack.
    return whole(file, 'cannot be read as YAML: it is nested too deeply', SYNTAX_ADVICE);
  }
};
