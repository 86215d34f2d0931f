import type { IncomingHttpHeaders } from 'node:http';
import { namesLoopback } from '../core/hub/listen-address.ts';
import { refusal, type Refusal } from '../core/hub/refusal.ts';
import type { HubSecrets, SecretKind } from '../core/hub/secrets.ts';
import { generationOf, hostToken, isSameToken, sessionToken, tokenOfHeader } from '../core/hub/tokens.ts';
import type { EpochMs } from '../core/time.ts';
import { covers, createCallers, SESSION_COOKIE, type Caller, type Scope } from './token-scope.ts';

export interface AccessOptions {
  readonly secrets: HubSecrets;
  /** Whether the listener is reachable from this machine only. */
  readonly isLoopback: boolean;
  readonly now: () => EpochMs;
  /** Called when the earlier one of two secrets lets a request in. */
  readonly onPrevious: (kind: SecretKind) => void;
  /** Called for a request with a revoked token, which is genuine. */
  readonly onRevoked: (environment: string, host: string, message: string) => void;
}

type Headers = IncomingHttpHeaders;

/** Each check returns undefined if the request is allowed. */
export interface Access {
  readonly publish: (headers: Headers, scope: Scope) => Refusal | undefined;
  readonly readManifests: (headers: Headers, scope: Scope) => Refusal | undefined;
  readonly readReports: (headers: Headers, scope: Scope) => Refusal | undefined;
  readonly report: (headers: Headers, environment: string, host: string) => Refusal | undefined;
  /** Returns the `Set-Cookie` value of a session; undefined if `offered` is no read token. */
  readonly logIn: (offered: string, isSecure: boolean) => string | undefined;
  readonly logOut: string;
  /** Judges all later requests by these secrets. */
  readonly renew: (secrets: HubSecrets) => void;
}

const SESSION_SECONDS = 12 * 3600;

const unauthorized = (what: string, how: string): Refusal =>
  refusal(401, 'unauthorized', `${what} needs a token that this hub knows`, how);
const forbidden = (message: string, advice: string): Refusal => refusal(403, 'forbidden', message, advice);

const subjectOf = (scope: Scope): string =>
  typeof scope === 'object' ? scope.environment : 'what concerns all environments';

const cannotPublish = ({ may, environment }: Caller, scope: Scope): Refusal =>
  may === 'read'
    ? forbidden(
        'the read token cannot publish',
        'send the publish token; `supercargo publish` takes it from SUPERCARGO_PUBLISH_TOKEN',
      )
    : forbidden(
        `this token is for ${environment ?? ''} alone and cannot change ${subjectOf(scope)}`,
        typeof scope === 'object'
          ? `send the publish token of ${scope.environment}, or that of all environments`
          : 'send the publish token of all environments',
      );

const cannotRead = ({ environment }: Caller, scope: Scope): Refusal =>
  forbidden(
    `this token is for ${environment ?? ''} alone and cannot read ${subjectOf(scope)}`,
    'set SUPERCARGO_READ_TOKEN to the read token of the hub, beside the publish token; ' +
      'or send the publish token of all environments',
  );

/** Behind a proxy every request seems to come from this machine. */
const isForwarded = (headers: Headers): boolean =>
  ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'].some((name) => headers[name] !== undefined);

const cookie = (value: string, seconds: number, isSecure: boolean): string =>
  `${SESSION_COOKIE}=${value}; Path=/; Max-Age=${String(seconds)}; HttpOnly; SameSite=Strict` +
  (isSecure ? '; Secure' : '');

const READ_ADVICE = 'send the read token as "Authorization: Bearer TOKEN", or log in at /login';

const keyOf = (environment: string, host: string): string => `${environment}/${host}`;

/** Judges the tokens of hosts. */
const createHostCheck = (
  { reportSecrets, revokedHosts }: HubSecrets,
  { onPrevious, onRevoked }: Pick<AccessOptions, 'onPrevious' | 'onRevoked'>,
): Access['report'] => {
  const leastGenerations = new Map(
    revokedHosts.map(({ environment, host, leastGeneration = Number.POSITIVE_INFINITY }) => [
      keyOf(environment, host),
      leastGeneration,
    ]),
  );
  return (headers, environment, host) => {
    const offered = tokenOfHeader(headers.authorization);
    if (reportSecrets.length === 0)
      return forbidden(
        'this hub takes no reports: it has no report secret',
        'start it with SUPERCARGO_REPORT_SECRET',
      );
    const command = `supercargo hub token ${environment} ${host}`;
    const advice = `give the host its own token: ${command}`;
    if (offered === undefined) return unauthorized('reporting', advice);
    const generation = generationOf(offered);
    const used = reportSecrets.findIndex((secret) =>
      isSameToken(offered, hostToken(secret, environment, host, generation)),
    );
    if (used === -1) return forbidden(`this is not the token of ${host} in ${environment}`, advice);
    const least = leastGenerations.get(keyOf(environment, host)) ?? 0;
    if (generation >= least) {
      if (used > 0) onPrevious('report');
      return undefined;
    }
    const objection = Number.isFinite(least)
      ? forbidden(
          `this token of ${host} in ${environment} is revoked`,
          `give the host a new token: ${command} --generation ${String(least)}`,
        )
      : forbidden(
          `all tokens of ${host} in ${environment} are revoked`,
          `to take the host back, write "${environment} ${host} 1" into the file of revoked hosts of the hub, ` +
            `and give the host the token of that generation: ${command} --generation 1`,
        );
    onRevoked(environment, host, objection.message);
    return objection;
  };
};

export const createAccess = (options: AccessOptions): Access => {
  const { isLoopback, now, onPrevious } = options;
  const judgesBy = (secrets: HubSecrets) => ({
    secrets,
    callerOf: createCallers(secrets, now, onPrevious),
    report: createHostCheck(secrets, options),
  });
  let current = judgesBy(options.secrets);

  return {
    publish: (headers, scope) => {
      const caller = current.callerOf(headers);
      if (caller?.may === 'publish' && covers(caller, scope)) return undefined;
      const { publishTokens, environmentTokens } = current.secrets;
      if (publishTokens.length + environmentTokens.length === 0)
        return forbidden(
          'this hub takes no manifests: it has no publish token',
          'start it with SUPERCARGO_PUBLISH_TOKEN',
        );
      return caller
        ? cannotPublish(caller, scope)
        : unauthorized(
            'publishing',
            'send the publish token as "Authorization: Bearer TOKEN"; `supercargo publish` takes it from ' +
              'SUPERCARGO_PUBLISH_TOKEN or SUPERCARGO_PUBLISH_TOKEN_FILE',
          );
    },
    readManifests: (headers, scope) => {
      if (current.secrets.readTokens.length === 0) return undefined;
      const caller = current.callerOf(headers);
      if (!caller) return unauthorized('reading manifests', READ_ADVICE);
      return covers(caller, scope) ? undefined : cannotRead(caller, scope);
    },
    readReports: (headers, scope) => {
      const caller = current.callerOf(headers);
      if (caller && covers(caller, scope)) return undefined;
      const hasReadToken = current.secrets.readTokens.length > 0;
      if (!hasReadToken && isLoopback && !isForwarded(headers) && namesLoopback(headers.host))
        return undefined;
      if (caller) return cannotRead(caller, scope);
      return hasReadToken
        ? unauthorized('reading reports', READ_ADVICE)
        : forbidden(
            'reports are shown only to this machine: the hub has no read token',
            'start the hub with SUPERCARGO_READ_TOKEN',
          );
    },
    report: (headers, environment, host) => current.report(headers, environment, host),
    logIn: (offered, isSecure) => {
      const token = current.secrets.readTokens.find((each) => isSameToken(offered, each));
      if (token === undefined) return undefined;
      const session = sessionToken(token, now() + SESSION_SECONDS * 1000);
      return cookie(session, SESSION_SECONDS, isSecure);
    },
    logOut: cookie('', 0, false),
    renew: (secrets) => {
      current = judgesBy(secrets);
    },
  };
};
