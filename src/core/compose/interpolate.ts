/** The text after interpolation, or why interpolation failed. */
export type Interpolated =
  | { readonly kind: 'ok'; readonly text: string }
  /** `${NAME}` without a default. */
  | { readonly kind: 'unset'; readonly name: string }
  /** `${NAME:?message}`. The message is empty if it contains variables itself. */
  | { readonly kind: 'required'; readonly name: string; readonly message: string }
  /** A `$` without a variable. */
  | { readonly kind: 'invalid' }
  /** Too many levels of defaults inside defaults, or too long a text. */
  | { readonly kind: 'too-deep' }
  | { readonly kind: 'too-long' };

/**
 * How many characters interpolation may still produce. Nested variables multiply, so a few lines could fill
 * the memory.
 */
export interface Allowance {
  left: number;
}

/** The kernel's limit for one variable or argument (MAX_ARG_STRLEN of execve(2)). */
const MAX_TEXT = 131_072;
/** The allowance for all values of one project: 16 Mi characters. */
export const projectAllowance = (): Allowance => ({ left: 16 * 1024 ** 2 });

export type Lookup = (name: string) => string | undefined;

const MAX_DEPTH = 16;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/** Returns the index of the `}` that closes the `${` before `from`, or -1. */
const closingBrace = (text: string, from: number): number => {
  let open = 1;
  for (let index = from; index < text.length; index += 1) {
    if (text[index] === '{') open += 1;
    if (text[index] === '}') open -= 1;
    if (open === 0) return index;
  }
  return -1;
};

/** Expands the inside of `${…}` (Compose Specification, "Interpolation"). */
const substitute = (inside: string, lookup: Lookup, depth: number, allowance: Allowance): Interpolated => {
  const name = NAME.exec(inside)?.[0];
  if (name === undefined) return { kind: 'invalid' };
  const [, operator, word] = /^(:?[-?+])?([^]*)$/.exec(inside.slice(name.length)) ?? [];
  const value = lookup(name);
  if (operator === undefined) {
    if (word !== '') return { kind: 'invalid' };
    return value === undefined ? { kind: 'unset', name } : { kind: 'ok', text: value };
  }
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('?') && !isSet)
    return { kind: 'required', name, message: word?.includes('$') === true ? '' : (word ?? '') };
  if (isSet && !operator.endsWith('+')) return { kind: 'ok', text: value };
  if (!isSet && operator.endsWith('+')) return { kind: 'ok', text: '' };
  return expand(word ?? '', lookup, depth + 1, allowance);
};

const expand = (template: string, lookup: Lookup, depth: number, allowance: Allowance): Interpolated => {
  if (depth > MAX_DEPTH) return { kind: 'too-deep' };
  const parts: string[] = [];
  let from = 0;
  let length = template.length;
  for (let at = template.indexOf('$'); at !== -1; at = template.indexOf('$', from)) {
    parts.push(template.slice(from, at));
    const next = template[at + 1];
    const name = NAME.exec(template.slice(at + 1, at + 256))?.[0];
    const end = next === '{' ? closingBrace(template, at + 2) : -1;
    if (next === '$') {
      parts.push('$');
      from = at + 2;
    } else if (end !== -1 || name !== undefined) {
      const inside = name ?? template.slice(at + 2, end);
      const result = substitute(inside, lookup, depth, allowance);
      if (result.kind !== 'ok') return result;
      length += result.text.length;
      allowance.left -= result.text.length;
      if (length > template.length + MAX_TEXT || allowance.left < 0) return { kind: 'too-long' };
      parts.push(result.text);
      from = name === undefined ? end + 1 : at + 1 + name.length;
    } else {
      return { kind: 'invalid' };
    }
  }
  return { kind: 'ok', text: parts.join('') + template.slice(from) };
};

/**
 * Expands `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`, `${NAME?message}`,
 * `${NAME:+other}`, `${NAME+other}` and `$$`, also inside defaults. An unset variable is a fault, not an
 * empty text.
 */
export const interpolate = (
  template: string,
  lookup: Lookup,
  allowance: Allowance = projectAllowance(),
): Interpolated => expand(template, lookup, 0, allowance);

const REFERENCE = /\$(?:\$|\{?([A-Za-z_][A-Za-z0-9_]*))/g;

/** The variables that a text names, each once. `$$` names none. */
export const variablesIn = (template: string): readonly string[] => [
  ...new Set([...template.matchAll(REFERENCE)].flatMap(([, name]) => name ?? [])),
];

/** One reference in braces is meant as a variable. In `Xk9$mQ2v` the name may be part of a password. */
const isOneReference = (template: string): boolean => /^\$\{[^{}$]*\}$/.test(template.trim());

const SET_ADVICE = 'set it in .env beside compose.yaml, or in the file that x-supercargo.env-file names';

const FAULTS = {
  invalid: { message: 'contains a "$" that begins no variable', advice: 'write $$ for a dollar sign' },
  'too-deep': {
    message: 'nests variables too deeply',
    advice: 'write fewer defaults inside defaults',
  },
  'too-long': {
    message: 'becomes too long',
    advice: 'use fewer variables inside variables: their lengths multiply',
  },
};

/**
 * Returns what is wrong and how to correct it, or undefined. If `isSecret`, it quotes nothing from the
 * template, not even a name, unless the template is a single reference.
 */
export const interpolationFault = (
  result: Interpolated,
  template: string,
  isSecret: boolean,
): { readonly message: string; readonly advice: string } | undefined => {
  if (result.kind === 'ok') return undefined;
  if (result.kind !== 'required' && result.kind !== 'unset') return FAULTS[result.kind];
  if (isSecret && !isOneReference(template))
    return {
      message: 'names a variable that is not set',
      advice: `write $$ for a dollar sign; or, for a variable, ${SET_ADVICE}`,
    };
  if (result.kind === 'required') {
    const reason = result.message === '' || isSecret ? 'it is not set' : result.message;
    return { message: `variable ${result.name} is required: ${reason}`, advice: SET_ADVICE };
  }
  const alternative = `\${${result.name}:-default}`;
  const advice = `${SET_ADVICE}, or write ${alternative}; the agent's own environment is never used`;
  return { message: `variable ${result.name} is not set`, advice };
};
