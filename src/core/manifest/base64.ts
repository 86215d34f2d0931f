/** Padding may be absent: url-safe producers leave it out. */
const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

const withoutPadding = (text: string): string => text.replace(/=+$/, '');

/**
 * Base64 in either alphabet of RFC 4648, but not a mix of both; undefined for anything else. Node's own
 * decoder skips what it does not know, which would let two texts mean the same bytes: junk, wrong padding and
 * stray bits at the end are refused here.
 */
export const decodeBase64 = (text: string): Buffer | undefined => {
  if (!STANDARD.test(text) && !URL_SAFE.test(text)) return undefined;
  const bare = withoutPadding(text);
  if (bare.length !== text.length && text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(bare, 'base64');
  const canonical = bare.replace(/-/g, '+').replace(/_/g, '/');
  return withoutPadding(bytes.toString('base64')) === canonical ? bytes : undefined;
};
