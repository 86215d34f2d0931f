import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Document } from 'yaml';
import { jsonFault, yamlFault } from '../parse-fault.ts';

/** Text read into plain values, or one sentence about what is wrong with it. */
export type Parsed =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'problem'; readonly message: string };

const MAX_ALIASES = 50;
const QUOTE_LENGTH = 80;

/**
 * What JSON leaves as it is and a terminal or a log's reader does not: delete, C1 controls, line and
 * paragraph separators.
 */
const UNQUOTED = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** Foreign text, safe to show: quoted, escaped, short. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text).replace(
    UNQUOTED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** UTF-8 to text without its byte order mark; undefined where it is not UTF-8. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/**
 * The first key that some object of a valid JSON text has twice. `JSON.parse` would keep the last one and say
 * nothing.
 */
const findRepeatedKey = (json: string): string | undefined => {
  const open: Set<string>[] = [];
  for (const token of json.matchAll(/[{}]|"[^"\\]*(?:\\.[^"\\]*)*"(\s*:)?/g)) {
    if (token[0] === '{') open.push(new Set());
    else if (token[0] === '}') open.pop();
    else if (token[1] !== undefined) {
      const key = String(JSON.parse(token[0].slice(0, -token[1].length)));
      const keys = open.at(-1);
      if (keys?.has(key)) return key;
      keys?.add(key);
    }
  }
  return undefined;
};

/** Strict JSON (RFC 8259); keys that appear twice in one object are refused. */
export const parseJson = (text: string): Parsed => {
  try {
    const value: unknown = JSON.parse(text);
    const repeated = findRepeatedKey(text);
    return repeated === undefined
      ? { kind: 'value', value }
      : { kind: 'problem', message: `the key ${quote(repeated)} appears twice` };
  } catch (error) {
    return { kind: 'problem', message: jsonFault(error) };
  }
};

/** The package's own check compares each key with all before it, which takes seconds for a large document. */
const findKeyFault = (document: Document.Parsed): { pos: number; message: string } | undefined => {
  let fault: { pos: number; message: string } | undefined;
  visit(document, {
    Map: (_, { items }) => {
      const keys = new Set<string>();
      for (const { key } of items) {
        const pos = isScalar(key) ? (key.range?.[0] ?? 0) : 0;
        if (!isScalar(key)) fault = { pos, message: 'a key must be text' };
        else if (keys.has(String(key.value)))
          fault = { pos, message: `the key ${quote(String(key.value))} appears twice` };
        else keys.add(String(key.value));
        if (fault) return visit.BREAK;
      }
      return undefined;
    },
  });
  return fault;
};

/** One YAML 1.2 document, core schema: no custom tags, no repeated keys, few aliases. */
const parseYaml = (text: string): Parsed => {
  try {
    const lineCounter = new LineCounter();
    // At a lower log level the package says nothing about a second document.
    const document = parseDocument(text, {
      uniqueKeys: false,
      logLevel: 'error',
      lineCounter,
      prettyErrors: false,
    });
    const [error = document.warnings[0]] = document.errors;
    const fault = error ? { pos: error.pos[0], message: yamlFault(error.code) } : findKeyFault(document);
    if (fault === undefined)
      return { kind: 'value', value: document.toJS({ maxAliasCount: MAX_ALIASES }) as unknown };
    const { line, col } = lineCounter.linePos(fault.pos);
    return { kind: 'problem', message: `not YAML: line ${line}, column ${col}: ${fault.message}` };
  } catch {
    // Aliases that multiply what they name, or brackets that the package's recursion does not get out of.
    return { kind: 'problem', message: 'not YAML: it is nested too deeply, or has too many aliases' };
  }
};

/** JSON, or else YAML. What starts like JSON is told about JSON's fault. */
export const parseJsonOrYaml = (text: string): Parsed => {
  const json = parseJson(text);
  if (json.kind === 'value' || json.message.startsWith('the key')) return json;
  // Whoever opens with a bracket meant JSON; reading it again as YAML only costs memory.
  return /^\s*[{[]/.test(text) ? json : parseYaml(text);
};
