/** Text with its variables put in, or why that cannot be. */
export type Interpolated =
  | { readonly kind: 'ok'; readonly text: string }
  /** `${NAME}` without a default. */
  | { readonly kind: 'unset'; readonly name: string }
  /** `${NAME:?message}`. */
  | { readonly kind: 'required'; readonly name: string; readonly message: string }
  /** A `$` that begins nothing. */
  | { readonly kind: 'invalid'; readonly near: string };

export type Lookup = (name: string) => string | undefined;

const MAX_DEPTH = 16;
const NAME = /^[A-Za-z_][A-Za-z0-9_]*/;

/** The index of the `}` that closes a `${` whose inside starts at `from`; -1 where there is none. */
const closingBrace = (text: string, from: number): number => {
  let open = 1;
  for (let index = from; index < text.length; index += 1) {
    if (text[index] === '{') open += 1;
    if (text[index] === '}') open -= 1;
    if (open === 0) return index;
  }
  return -1;
};

/** The inside of `${…}`: the operators of the Compose Specification, "Interpolation". */
const substitute = (inside: string, lookup: Lookup, depth: number): Interpolated => {
  const name = NAME.exec(inside)?.[0];
  if (name === undefined) return { kind: 'invalid', near: `\${${inside}}` };
  const [, operator, word] = /^(:?[-?+])?([^]*)$/.exec(inside.slice(name.length)) ?? [];
  const value = lookup(name);
  if (operator === undefined) {
    if (word !== '') return { kind: 'invalid', near: `\${${inside}}` };
    return value === undefined ? { kind: 'unset', name } : { kind: 'ok', text: value };
  }
  const isSet = value !== undefined && !(operator.startsWith(':') && value === '');
  if (operator.endsWith('+')) return isSet ? expand(word ?? '', lookup, depth + 1) : { kind: 'ok', text: '' };
  if (isSet) return { kind: 'ok', text: value };
  const fallback = expand(word ?? '', lookup, depth + 1);
  if (operator.endsWith('-') || fallback.kind !== 'ok') return fallback;
  return { kind: 'required', name, message: fallback.text };
};

const expand = (template: string, lookup: Lookup, depth: number): Interpolated => {
  if (depth > MAX_DEPTH) return { kind: 'invalid', near: 'variables nested too deeply' };
  const parts: string[] = [];
  let from = 0;
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
      const result = substitute(inside, lookup, depth);
      if (result.kind !== 'ok') return result;
      parts.push(result.text);
      from = name === undefined ? end + 1 : at + 1 + name.length;
    } else {
      return { kind: 'invalid', near: template.slice(at, at + 12) };
    }
  }
  return { kind: 'ok', text: parts.join('') + template.slice(from) };
};

/**
 * `$NAME`, `${NAME}`, `${NAME:-default}`, `${NAME-default}`, `${NAME:?message}`, `${NAME?message}`, `${NAME:+other}`,
 * `${NAME+other}` and `$$`, nested in defaults too. An unset variable is never silently empty.
 */
export const interpolate = (template: string, lookup: Lookup): Interpolated => expand(template, lookup, 0);

const SET_ADVICE = 'set it in .env beside compose.yaml, or in the file that x-supercargo.env-file names';

/** What is wrong and what to write instead, in words; undefined where nothing is. */
export const interpolationFault = (
  result: Interpolated,
): { readonly message: string; readonly advice: string } | undefined => {
  if (result.kind === 'ok') return undefined;
  if (result.kind === 'invalid') {
    return { message: `"${result.near}" is not a variable`, advice: 'write $$ for a dollar sign' };
  }
  if (result.kind === 'required') {
    const reason = result.message === '' ? 'it is not set' : result.message;
    return { message: `variable ${result.name} is required: ${reason}`, advice: SET_ADVICE };
  }
  const advice = `${SET_ADVICE}, or write \${${result.name}:-default}; the agent's own environment is never used`;
  return { message: `variable ${result.name} is not set`, advice };
};
