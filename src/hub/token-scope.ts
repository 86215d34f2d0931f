import type { IncomingHttpHeaders } from 'node:http';
import type { HubSecrets, SecretKind } from '../core/hub/secrets.ts';
import { cookieOf, isSession, tokenOfHeader, tokenTable } from '../core/hub/tokens.ts';
import type { EpochMs } from '../core/time.ts';

/** What the token of a request allows. */
export interface Caller {
  readonly may: 'publish' | 'read';
  /** The only environment that the token counts for; undefined for all. */
  readonly environment: string | undefined;
}

/** What a request is about. `all` needs a token for all environments; `any` one for any of them. */
export type Scope = { readonly environment: string } | 'all' | 'any';

export const SESSION_COOKIE = 'supercargo_session';

interface Known {
  readonly caller: Caller;
  /** Set for a token that a newer one has replaced. */
  readonly previous?: SecretKind;
}

const knownOf = (may: Caller['may'], environment?: string, isPrevious = false): Known => ({
  caller: { may, environment },
  ...(isPrevious && { previous: may }),
});

/**
 * Tells from its headers what a request may do. Undefined for a request without a token that the hub knows.
 */
export const createCallers = (
  { publishTokens, environmentTokens, readTokens }: HubSecrets,
  now: () => EpochMs,
  onPrevious: (kind: SecretKind) => void,
): ((headers: IncomingHttpHeaders) => Caller | undefined) => {
  const readers = readTokens.map((token, index) => [token, knownOf('read', undefined, index > 0)] as const);
  const byToken = tokenTable<Known>([
    ...readers,
    ...publishTokens.map((token, index) => [token, knownOf('publish', undefined, index > 0)] as const),
    ...environmentTokens.map(
      ({ token, environment, isPrevious }) => [token, knownOf('publish', environment, isPrevious)] as const,
    ),
  ]);
  const bySession = (cookie: string | undefined): Known | undefined => {
    const session = cookieOf(cookie, SESSION_COOKIE);
    if (session === undefined) return undefined;
    return readers.find(([token]) => isSession(session, token, now()))?.[1];
  };
  return ({ authorization, cookie }) => {
    const offered = tokenOfHeader(authorization);
    const known = (offered === undefined ? undefined : byToken(offered)) ?? bySession(cookie);
    if (known?.previous !== undefined) onPrevious(known.previous);
    return known?.caller;
  };
};

export const covers = ({ environment }: Caller, scope: Scope): boolean =>
  environment === undefined || scope === 'any' || (scope !== 'all' && scope.environment === environment);
