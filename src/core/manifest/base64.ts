/** The padding is optional, because url-safe encoders leave it out. */
const STANDARD = /^[A-Za-z0-9+/]*={0,2}$/;
const URL_SAFE = /^[A-Za-z0-9_-]*={0,2}$/;

const withoutPadding = (text: string): string => text.replace(/=+$/, '');

/**
 * Decodes base64 in one of the two alphabets of RFC 4648, not a mix. Returns undefined for other characters,
 * wrong padding or stray bits at the end: Node's decoder ignores these, so two texts could mean the same
 * bytes.
 */
export const decodeBase64 = (text: string): Buffer | undefined => {
  if (!STANDARD.test(text) && !URL_SAFE.test(text)) return undefined;
  const bare = withoutPadding(text);
  if (bare.length !== text.length && text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(bare, 'base64');
  const canonical = bare.replace(/-/g, '+').replace(/_/g, '/');
  return withoutPadding(bytes.toString('base64')) === canonical ? bytes : undefined;
};
