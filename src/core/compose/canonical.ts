import { createHash } from 'node:crypto';

const sorted = (value: unknown): unknown => {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => member !== undefined)
      .toSorted(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]): [string, unknown] => [key, sorted(member)]),
  );
};

/** Returns the same JSON for equal values: sorts keys by code unit and leaves out undefined members. */
export const canonicalJson = (value: unknown): string => {
  const json: string | undefined = JSON.stringify(sorted(value));
  return json ?? 'null';
};

/** The SHA-256 of the canonical JSON: 64 hex digits. */
export const canonicalSha256 = (value: unknown): string =>
  createHash('sha256').update(canonicalJson(value)).digest('hex');
