import { createHash } from 'node:crypto';

/** How many values are remembered twice over: a fleet has far fewer distinct ones at a time. */
const MOST = 20_000;

const keyOf = (text: string): string =>
  text.length <= 64 ? text : createHash('sha256').update(text).digest('base64');

/**
 * Makes equal plain values one object, with all parts, so that an index of many similar hosts is small. What
 * was not asked for while `most` others came is forgotten; an equal value is then another object.
 */
export const createSharedValues = (most = MOST) => {
  const known = { recent: new Map<string, unknown>(), older: new Map<string, unknown>() };
  const remember = (key: string, value: unknown): void => {
    if (known.recent.size >= most) {
      known.older = known.recent;
      known.recent = new Map();
    }
    known.recent.set(key, value);
  };
  const partsOf = (value: object): unknown =>
    Array.isArray(value)
      ? value.map(share)
      : Object.fromEntries(Object.entries(value).map(([name, part]) => [name, share(part)] as const));
  const share = (value: unknown): unknown => {
    if (typeof value !== 'object' || value === null) return value;
    const key = keyOf(JSON.stringify(value));
    const recent = known.recent.get(key);
    if (recent !== undefined) return recent;
    const shared = known.older.get(key) ?? partsOf(value);
    remember(key, shared);
    return shared;
  };
  return <T extends object>(value: T): T => share(value) as T;
};
