import {
  interpolate,
  interpolationFault,
  projectAllowance,
  type Allowance,
  type Lookup,
} from './interpolate.ts';

interface DotenvFault {
  readonly line: number;
  readonly name: string;
  readonly message: string;
  readonly advice: string;
}

export interface Dotenv {
  readonly values: ReadonlyMap<string, string>;
  readonly faults: readonly DotenvFault[];
}

const ASSIGNMENT = /^\s*(?:export\s+)?([A-Za-z_][A-Za-z0-9_.-]*)\s*(=[ \t]*([^]*))?$/;
const ESCAPES: Readonly<Record<string, string>> = {
  n: '\n',
  r: '\r',
  t: '\t',
  '"': '"',
  '\\': '\\',
  $: '$$',
};

/** Returns the index of the quote that closes the one at `open`, or -1. */
const closingQuote = (text: string, open: number): number => {
  for (let index = open + 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === text[open]) return index;
  }
  return -1;
};

const endOfLine = (text: string, from: number): number => {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end;
};

/**
 * `end` is the end of the value's last line. `interpolate` expands `template`, where `$$` is a literal
 * dollar.
 */
type Value = { readonly end: number } & (
  { readonly kind: 'fault' } | { readonly kind: 'ok'; readonly template: string }
);

const unescaped = (inside: string): string =>
  inside.replaceAll(/\\([nrt"\\$])/g, (_all, letter: string) => ESCAPES[letter] ?? letter);

/** Reads the value at `from`. Quoted values may span lines. The function visits every character only once. */
const readValue = (text: string, from: number): Value => {
  const line = endOfLine(text, from);
  const quote = text[from];
  if (quote !== '"' && quote !== "'") {
    // A "#" that begins the value belongs to it, as in compose-go and docker-compose 1.29.
    return {
      kind: 'ok',
      end: line,
      template: text
        .slice(from, line)
        .replace(/\s#[^]*$/, '')
        .trim(),
    };
  }
  const close = closingQuote(text, from);
  if (close === -1) return { kind: 'fault', end: line };
  const end = endOfLine(text, close);
  if (!/^\s*(#.*)?$/.test(text.slice(close + 1, end))) return { kind: 'fault', end };
  const inside = text.slice(from + 1, close);
  const template = quote === "'" ? inside.replaceAll("\\'", "'").replaceAll('$', '$$$$') : unescaped(inside);
  return { kind: 'ok', end, template };
};

const QUOTE_ADVICE = 'close the quote; only a comment may follow it';

interface Assigned {
  readonly name: string;
  /** Undefined if the name stands alone. */
  readonly value: Value | undefined;
}

const readLine = (text: string, from: number, end: number): Assigned | undefined => {
  const [, name, assigned, first] = ASSIGNMENT.exec(text.slice(from, end)) ?? [];
  if (name === undefined) return undefined;
  return { name, value: assigned === undefined ? undefined : readValue(text, end - (first ?? '').length) };
};

/**
 * Reads a dotenv file like Compose: comments (in a value after a blank), `export`, single quotes (literal),
 * double quotes (escapes and variables), values of several lines, variables from earlier lines and from
 * `lookup`. A `NAME` alone takes its value from `lookup` and is left out without one. Faults never contain
 * values.
 */
export const parseDotenv = (written: string, lookup: Lookup, allowance = projectAllowance()): Dotenv => {
  const values = new Map<string, string>();
  const faults: DotenvFault[] = [];
  const text = written.replace(/^\uFEFF/, '').replaceAll('\r\n', '\n');
  const known: Lookup = (name) => values.get(name) ?? lookup(name);
  for (let from = 0, line = 1; from <= text.length; from += 1, line += 1) {
    const end = endOfLine(text, from);
    const isEmpty = /^\s*(#.*)?$/.test(text.slice(from, end));
    const assigned = isEmpty ? undefined : readLine(text, from, end);
    const fault = assigned ? assign(assigned, { values, lookup, known, allowance }) : undefined;
    if (fault) faults.push({ line, ...fault });
    else if (!isEmpty && !assigned)
      faults.push({
        line,
        name: '',
        message: 'is not NAME=value',
        advice: 'write one NAME=value on each line',
      });
    const last = assigned?.value?.end ?? end;
    line += linesIn(text, end, last);
    from = last;
  }
  return { values, faults };
};

const linesIn = (text: string, from: number, to: number): number => {
  let count = 0;
  for (let at = text.indexOf('\n', from); at !== -1 && at < to; at = text.indexOf('\n', at + 1)) count += 1;
  return count;
};

const assign = (
  { name, value }: Assigned,
  into: { values: Map<string, string>; lookup: Lookup; known: Lookup; allowance: Allowance },
): Omit<DotenvFault, 'line'> | undefined => {
  if (value === undefined) {
    const inherited = into.lookup(name);
    if (inherited !== undefined) into.values.set(name, inherited);
    return undefined;
  }
  if (value.kind === 'fault') return { name, message: 'the quotes do not match', advice: QUOTE_ADVICE };
  const result = interpolate(value.template, into.known, into.allowance);
  const fault = interpolationFault(result, value.template, true);
  if (fault) return { name, message: fault.message, advice: `${fault.advice}, or use single quotes` };
  if (result.kind === 'ok') into.values.set(name, result.text);
  return undefined;
};
