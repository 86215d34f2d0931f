import { createHash } from 'node:crypto';

/** The strong entity tag of these bytes. */
export const entityTagOf = (bytes: Uint8Array): string =>
  `"${createHash('sha256').update(bytes).digest('hex')}"`;

/** The raw conditional headers of a request. */
export interface Conditions {
  readonly ifMatch: string | undefined;
  readonly ifNoneMatch: string | undefined;
}

const TAG = /(W\/)?("[\x21\x23-\x7e\x80-\xff]*")/g;

/** Whether the header is `*` or contains the tag. A header without a tag matches nothing. */
const names = (header: string, tag: string | undefined, comparison: 'strong' | 'weak'): boolean => {
  if (tag === undefined) return false;
  if (header.trim() === '*') return true;
  const bare = tag.replace(/^W\//, '');
  return [...header.matchAll(TAG)].some(
    ([, weak, opaque]) => opaque === bare && (comparison === 'weak' || (weak === undefined && bare === tag)),
  );
};

/**
 * Whether a write may replace the document with this tag (RFC 9110, 13.2.2); `tag` is undefined if there is
 * none.
 */
export const mayWrite = ({ ifMatch, ifNoneMatch }: Conditions, tag: string | undefined): boolean => {
  if (ifMatch !== undefined && !names(ifMatch, tag, 'strong')) return false;
  return ifNoneMatch === undefined || !names(ifNoneMatch, tag, 'weak');
};

/** Whether the reader already has the document, which means a 304. */
export const isKnown = ({ ifNoneMatch }: Conditions, tag: string): boolean =>
  ifNoneMatch !== undefined && names(ifNoneMatch, tag, 'weak');

/** Seconds of `Prefer: wait=N` (RFC 7240, 4.3), at most `most`; undefined without a wait. */
export const preferredWait = (header: string | undefined, most: number): number | undefined => {
  const [, digits] = /(?:^|[,;\s])wait\s*=\s*"?(\d{1,9})"?\s*(?:$|[,;])/i.exec(header ?? '') ?? [];
  const seconds = Math.min(Number(digits ?? 0), most);
  return seconds > 0 ? seconds : undefined;
};
