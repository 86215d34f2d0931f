import { isSecretPlace, quoted, report, type Reader } from './reader-context.ts';
import { interpolate, interpolationFault } from './interpolate.ts';
import { parseDuration } from '../duration.ts';
import { parseBytes } from './quantity.ts';
import type { Node } from './node.ts';

/** A scalar after interpolation. `value` has its type in YAML's core schema. */
export interface Scalar {
  readonly value: string | number | boolean | null;
  readonly text: string;
}

const NUMBER = /^[-+]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/;

/** Gives a plain scalar its type after interpolation, so that `cpus: ${CPUS}` is a number. */
const resolve = (text: string): Scalar['value'] => {
  if (/^(?:true|True|TRUE)$/.test(text)) return true;
  if (/^(?:false|False|FALSE)$/.test(text)) return false;
  return NUMBER.test(text) ? Number(text) : text;
};

/** Every status and plan shows names and ports, so hiding them in messages would protect nothing. */
const isShownElsewhere = ({ path }: Node): boolean =>
  /^services\.[^.]+\.(?:image|container_name|ports|networks|depends_on)\b/.test(path);

/** Reads and interpolates any scalar but null. */
export const scalar: Reader<Scalar> = (node, c) => {
  if (node.kind !== 'scalar') {
    return report(
      c,
      node,
      `must be one value, not a ${node.kind}`,
      'write the value on the same line as the key',
    );
  }
  if (node.value === null) return report(c, node, 'has no value', 'give it a value, or remove the line');
  if (typeof node.value !== 'string' || !node.source.includes('$'))
    return { value: node.value, text: node.source };
  const lookup = (name: string): string | undefined => {
    const value = c.variables.get(name);
    if (value !== undefined && !isShownElsewhere(node)) c.used?.set(name, value);
    return value;
  };
  const result = interpolate(node.source, lookup, c.allowance);
  const fault = interpolationFault(result, node.source, isSecretPlace(node));
  if (fault) return report(c, node, fault.message, fault.advice);
  const text = result.kind === 'ok' ? result.text : '';
  return { value: node.plain ? resolve(text) : text, text };
};

/** Compose reads a whole number of 64 bits exactly, but a JavaScript number cannot. */
const isInteger64 = (written: string): boolean =>
  /^(?:0|-?[1-9]\d{0,19})$/.test(written) && BigInt(written) >= -(2n ** 63n) && BigInt(written) < 2n ** 64n;

/**
 * Reads text. A number or boolean keeps its spelling. `1.10` and `010` must be quoted, because YAML reads
 * them as 1.1 and 10, and Compose would use those.
 */
export const text: Reader<string> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  if (read.text.includes('\0')) return report(c, node, 'contains a NUL character', 'remove it');
  const isWritten = node.kind === 'scalar' && typeof node.value !== 'string';
  if (!isWritten || String(read.value) === read.text || isInteger64(read.text)) return read.text;
  const [shown, advice] = isSecretPlace(node)
    ? ['the value is read as another number or word', 'put it in quotes']
    : [`${read.text} is read as ${String(read.value)}`, `put it in quotes: "${read.text}"`];
  return report(c, node, shown, advice);
};

export const filledText: Reader<string> = (node, c) => {
  const value = text(node, c);
  return value?.trim() === '' ? report(c, node, 'is empty', 'give it a value, or remove the line') : value;
};

/** Text that matches a pattern. `form` completes "is not …"; `advice` shows an example. */
export const textLike =
  (pattern: RegExp, form: string, advice: string): Reader<string> =>
  (node, c) => {
    const value = text(node, c);
    return value === undefined || pattern.test(value)
      ? value
      : report(c, node, `${quoted(c, node, value)} is not ${form}`, advice);
  };

const numberOf = (node: Node, read: Scalar): number | undefined => {
  // Compose reads 010 as octal 8, YAML 1.2 reads it as 10, so it is refused.
  if (/^[-+]?0\d/.test(read.text)) return undefined;
  if (typeof read.value === 'number') return read.value;
  return node.kind === 'scalar' && typeof read.value === 'string' && NUMBER.test(read.text)
    ? Number(read.text)
    : undefined;
};

/** A number from `min` to `max`, with or without quotes. */
export const decimal =
  (min: number, max: number): Reader<number> =>
  (node, c) => {
    const read = scalar(node, c);
    if (read === undefined) return undefined;
    const value = numberOf(node, read);
    if (value !== undefined && value >= min && value <= max) return value;
    return report(
      c,
      node,
      `${quoted(c, node, read.text)} is not a number from ${min} to ${max}`,
      'write a number in that range',
    );
  };

export const integer =
  (min: number, max: number): Reader<number> =>
  (node, c) => {
    const read = scalar(node, c);
    if (read === undefined) return undefined;
    const value = numberOf(node, read);
    if (value !== undefined && Number.isSafeInteger(value) && value >= min && value <= max) return value;
    return report(
      c,
      node,
      `${quoted(c, node, read.text)} is not a whole number from ${min} to ${max}`,
      'write a whole number in that range',
    );
  };

/** True or false, with or without quotes, because interpolation always gives text. */
export const bool: Reader<boolean> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  if (typeof read.value === 'boolean') return read.value;
  if (read.value === 'true' || read.value === 'false') return read.value === 'true';
  return report(c, node, `${quoted(c, node, read.text)} is neither true nor false`, 'write true or false');
};

export const oneOf =
  <T extends string>(...allowed: readonly T[]): Reader<T> =>
  (node, c) => {
    const value = text(node, c);
    if (value === undefined) return undefined;
    const found = allowed.find((candidate) => candidate === value);
    return (
      found ??
      report(c, node, `${quoted(c, node, value)} is not supported here`, `write ${allowed.join(', ')}`)
    );
  };

/** Thirty days: no service needs a longer wait. */
const MAX_DURATION_MS = 720 * 3_600_000;

/** Reads a duration of Compose, in milliseconds. */
export const duration: Reader<number> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  const ms = read.text === '0' ? 0 : parseDuration(read.text, ['us', 'ms', 's', 'm', 'h']);
  if (ms !== undefined && ms <= MAX_DURATION_MS) return ms;
  const shown = quoted(c, node, read.text);
  const advice =
    /^"\d+"$/.test(shown) && ms === undefined
      ? `add the unit: ${read.text}s`
      : 'write it like 500ms, 10s or 1h30m, at most 720h';
  return report(c, node, `${shown} is not a duration`, advice);
};

export const positiveDuration: Reader<number> = (node, c) => {
  const ms = duration(node, c);
  return ms === 0 ? report(c, node, 'must be longer than 0', 'write it like 500ms, 10s or 1h30m') : ms;
};

/** A size in bytes. */
export const bytes: Reader<number> = (node, c) => {
  const read = scalar(node, c);
  if (read === undefined) return undefined;
  const size = parseBytes(read.text);
  return (
    size ??
    report(
      c,
      node,
      `${quoted(c, node, read.text)} is not a size`,
      'write bytes, or a number with b, k, m or g: 512m, 1gb',
    )
  );
};
