import { AgentError } from '../../core/errors.ts';
import type { RegistryAuth } from '../../core/ports/registry-credentials.ts';
import type { HttpAnswer } from '../../io/http.ts';
import type { RegistryClient } from './ask-registry.ts';
import type { Challenge } from './challenge.ts';

const basic = (auth: { readonly username: string; readonly password: string }): string =>
  `Basic ${Buffer.from(`${auth.username}:${auth.password}`).toString('base64')}`;

const refused = (realm: string, status: number, isAnonymous: boolean): AgentError =>
  new AgentError('REGISTRY_AUTH', `${realm} gives no token: ${String(status)}`, {
    advice: isAnonymous
      ? 'log in to the registry on this machine (docker login), or set DOCKER_CONFIG to a folder with a login'
      : 'log in again (docker login): the login in DOCKER_CONFIG is not accepted',
    fields: { status },
  });

const tokenIn = (answer: HttpAnswer): string | undefined => {
  try {
    const { token, access_token: access } = JSON.parse(answer.body.toString('utf8')) as Record<
      string,
      unknown
    >;
    return [token, access].find((t): t is string => typeof t === 'string' && t !== '');
  } catch {
    return undefined;
  }
};

/** Only a registry on a loopback address may have a token server with plain HTTP. */
const isFit = (realm: URL, isPlain: boolean): boolean =>
  realm.protocol === 'https:' || (realm.protocol === 'http:' && isPlain);

/**
 * Makes the `Authorization` header that answers a challenge. Like docker, asks for `pull` of the repository
 * if the challenge names no scope, and sends the login to the token server that the registry names.
 * @throws AgentError REGISTRY_AUTH; REGISTRY if the token server cannot be reached
 */
export const authorize = async (
  challenge: Challenge,
  auth: RegistryAuth | undefined,
  { path, isPlain }: { readonly path: string; readonly isPlain: boolean },
  ask: RegistryClient['ask'],
): Promise<string | undefined> => {
  if (auth && 'registrytoken' in auth) return `Bearer ${auth.registrytoken}`;
  if (challenge.kind === 'basic') return auth && 'password' in auth ? basic(auth) : undefined;
  const { realm, service, scope = `repository:${path}:pull` } = challenge;
  if (!URL.canParse(realm) || !isFit(new URL(realm), isPlain))
    throw new AgentError('REGISTRY_AUTH', `the registry names a token server that is not safe: ${realm}`, {
      advice: 'correct the token server in the settings of the registry',
    });
  const url = new URL(realm);
  const parameters = { ...(service !== undefined && { service }), scope };
  const isOAuth = auth !== undefined && 'identitytoken' in auth;
  if (!isOAuth) for (const [key, value] of Object.entries(parameters)) url.searchParams.set(key, value);
  const answer = await ask(
    isOAuth
      ? {
          url,
          method: 'POST',
          headers: { 'content-type': 'application/x-www-form-urlencoded' },
          body: new URLSearchParams({
            grant_type: 'refresh_token',
            refresh_token: auth.identitytoken,
            client_id: 'supercargo',
            ...parameters,
          }).toString(),
        }
      : { url, headers: auth && 'password' in auth ? { authorization: basic(auth) } : {} },
  );
  const token = answer.status === 200 ? tokenIn(answer) : undefined;
  if (token === undefined) throw refused(`${url.origin}${url.pathname}`, answer.status, auth === undefined);
  return `Bearer ${token}`;
};
