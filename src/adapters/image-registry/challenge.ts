/** What a registry asks for in `WWW-Authenticate` (distribution spec, "Token Authentication"). */
export type Challenge =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer';
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

/** `name=value`, or a scheme (RFC 9110, 11.6.1). */
const PART = /([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"=]+))|([^\s,"]+)/g;

interface Written {
  readonly scheme: string;
  readonly parameters: Map<string, string>;
}

const writtenIn = (header: string): readonly Written[] => {
  const found: Written[] = [];
  for (const [, name, quoted, bare = '', scheme] of header.matchAll(PART)) {
    if (scheme !== undefined) found.push({ scheme: scheme.toLowerCase(), parameters: new Map() });
    else if (name !== undefined)
      found.at(-1)?.parameters.set(name.toLowerCase(), quoted?.replaceAll(/\\(.)/g, '$1') ?? bare);
  }
  return found;
};

/**
 * Chooses one of the challenges in all `WWW-Authenticate` headers, joined by commas: a token before a login.
 */
export const parseChallenge = (header: string | undefined): Challenge | undefined => {
  const written = writtenIn(header ?? '');
  for (const { scheme, parameters } of written) {
    const realm = parameters.get('realm');
    if (scheme !== 'bearer' || realm === undefined) continue;
    const scope = parameters.get('scope');
    return {
      kind: 'bearer',
      realm,
      service: parameters.get('service'),
      scope: scope === '' ? undefined : scope,
    };
  }
  return written.some(({ scheme }) => scheme === 'basic') ? { kind: 'basic' } : undefined;
};
