import { isScalar, LineCounter, parseDocument, visit } from 'yaml';
import type { Document } from 'yaml';
import { jsonFault, yamlFault } from '../parse-fault.ts';

/** The parsed value, or one sentence about the fault. */
export type Parsed =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'problem'; readonly message: string };

const MAX_ALIASES = 50;
const QUOTE_LENGTH = 80;

/**
 * Characters that JSON does not escape but that disturb terminals and logs: delete, C1 controls, line and
 * paragraph separators.
 */
const UNQUOTED = /[\p{Cc}\p{Zl}\p{Zp}]/gu;

/** Quotes, escapes and shortens foreign text, so that it is safe to show. */
export const quote = (text: string): string =>
  JSON.stringify(text.length > QUOTE_LENGTH ? `${text.slice(0, QUOTE_LENGTH)}…` : text).replace(
    UNQUOTED,
    (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );

/** Decodes UTF-8 and removes the byte order mark. Returns undefined if the bytes are not UTF-8. */
export const decodeText = (bytes: Uint8Array): string | undefined => {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return undefined;
  }
};

/** Finds the first repeated key of an object in valid JSON. `JSON.parse` silently keeps the last value. */
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

/** Parses strict JSON (RFC 8259) and refuses repeated keys. */
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

/**
 * Replaces the package's own check, which compares each key with all earlier ones and takes seconds for a
 * large document.
 */
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

/**
 * Parses one YAML 1.2 document (core schema), without custom tags or repeated keys and with a limit on
 * aliases.
 */
const parseYaml = (text: string): Parsed => {
  try {
    const lineCounter = new LineCounter();
    // At a lower log level the package does not report a second document.
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
    // Aliases multiply their targets, or nested brackets overflow the package's recursion.
    return { kind: 'problem', message: 'not YAML: it is nested too deeply, or has too many aliases' };
  }
};

/** Parses JSON or YAML. Text that begins like JSON gets the JSON message. */
export const parseJsonOrYaml = (text: string): Parsed => {
  const json = parseJson(text);
  if (json.kind === 'value' || json.message.startsWith('the key')) return json;
  // Text that opens with a bracket is meant as JSON; parsing it again as YAML would only cost memory.
  return /^\s*[{[]/.test(text) ? json : parseYaml(text);
};
