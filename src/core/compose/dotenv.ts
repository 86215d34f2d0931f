import { interpolate, interpolationFault, type Lookup } from './interpolate.ts';

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

/** From the opening quote on: the inside and what follows the closing one; undefined where it never closes. */
const splitQuoted = (text: string): { inside: string; rest: string } | undefined => {
  const quote = text[0];
  for (let index = 1; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1;
    else if (text[index] === quote) return { inside: text.slice(1, index), rest: text.slice(index + 1) };
  }
  return undefined;
};

type Value =
  { readonly kind: 'open' } | { readonly kind: 'junk' } | { readonly kind: 'ok'; readonly template: string };

/** A template for `interpolate`: what must stay as it is has its dollars doubled. */
const readValue = (written: string): Value => {
  const quote = written[0];
  if (quote !== '"' && quote !== "'") {
    return { kind: 'ok', template: written.replace(/(^|\s)#[^]*$/, '').trim() };
  }
  const split = splitQuoted(written);
  if (split === undefined) return { kind: 'open' };
  if (!/^\s*(#.*)?$/.test(split.rest)) return { kind: 'junk' };
  const template =
    quote === "'"
      ? split.inside.replaceAll("\\'", "'").replaceAll('$', '$$$$')
      : split.inside.replaceAll(/\\([nrt"\\$])/g, (_all, letter: string) => ESCAPES[letter] ?? letter);
  return { kind: 'ok', template };
};

/** A quoted value may go on over several lines: the text from `line` on, and how many lines it took. */
const gather = (lines: readonly string[], first: string, line: number): { value: Value; taken: number } => {
  let written = first;
  let taken = 0;
  let value = readValue(written);
  while (value.kind === 'open' && line + taken + 1 < lines.length) {
    taken += 1;
    written += `\n${lines[line + taken] ?? ''}`;
    value = readValue(written);
  }
  return { value, taken: value.kind === 'open' ? 0 : taken };
};

const QUOTE_ADVICE = 'close the quote; only a comment may follow it';

/**
 * A dotenv file as Compose reads it: comments, `export`, single quotes (literal), double quotes (escapes and variables),
 * values over several lines, variables from earlier lines and from `lookup`. `NAME` alone takes its value from `lookup`,
 * or is left out. Faults never hold values.
 */
export const parseDotenv = (text: string, lookup: Lookup): Dotenv => {
  const values = new Map<string, string>();
  const faults: DotenvFault[] = [];
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/);
  const known: Lookup = (name) => values.get(name) ?? lookup(name);
  for (let index = 0; index < lines.length; index += 1) {
    const line = index + 1;
    const written = lines[index] ?? '';
    if (/^\s*(#.*)?$/.test(written)) continue;
    const [, name, assigned, first] = ASSIGNMENT.exec(written) ?? [];
    if (name === undefined) {
      faults.push({ line, name: '', message: 'is not NAME=value', advice: 'write NAME=value, one a line' });
    } else if (assigned === undefined) {
      const inherited = lookup(name);
      if (inherited !== undefined) values.set(name, inherited);
    } else {
      const { value, taken } = gather(lines, first ?? '', index);
      index += taken;
      const result = value.kind === 'ok' ? interpolate(value.template, known) : undefined;
      const fault = result && interpolationFault(result);
      if (result === undefined)
        faults.push({ line, name, message: 'the quotes do not match', advice: QUOTE_ADVICE });
      else if (fault)
        faults.push({ line, name, message: fault.message, advice: `${fault.advice}, or use single quotes` });
      else if (result.kind === 'ok') values.set(name, result.text);
    }
  }
  return { values, faults };
};
