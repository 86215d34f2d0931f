/** What a registry asks for in `WWW-Authenticate` (distribution spec, "Token Authentication"). */
export type Challenge =
  | { readonly kind: 'basic' }
  | {
      readonly kind: 'bearer';
      readonly realm: string;
      readonly service: string | undefined;
      readonly scope: string | undefined;
    };

const PARAMETER = /([a-z]+)="([^"]*)"/gi;

export const parseChallenge = (header: string | undefined): Challenge | undefined => {
  const scheme = /^\s*([a-z]+)/i.exec(header ?? '')?.[1]?.toLowerCase();
  if (scheme === 'basic') return { kind: 'basic' };
  if (scheme !== 'bearer') return undefined;
  const found = new Map(
    [...(header ?? '').matchAll(PARAMETER)].map(([, key = '', value = '']) => [key.toLowerCase(), value]),
  );
  const realm = found.get('realm');
  return realm === undefined
    ? undefined
    : { kind: 'bearer', realm, service: found.get('service'), scope: found.get('scope') };
};
