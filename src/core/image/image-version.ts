export interface ImageVersion {
  readonly tag: string | undefined;
  readonly digest: string | undefined;
}

/** Splits a reference into name, tag and digest without validating them. */
export const splitReference = (text: string): ImageVersion & { readonly name: string } => {
  const at = text.indexOf('@');
  const named = at === -1 ? text : text.slice(0, at);
  const colon = named.lastIndexOf(':');
  const hasTag = colon > named.lastIndexOf('/');
  return {
    name: hasTag ? named.slice(0, colon) : named,
    tag: hasTag ? named.slice(colon + 1) : undefined,
    digest: at === -1 ? undefined : text.slice(at + 1),
  };
};

/** The version in reports: the tag, or the start of the digest. */
export const versionOf = ({ tag, digest }: ImageVersion): string =>
  tag ?? digest?.slice('sha256:'.length).slice(0, 12) ?? 'latest';
