import type { IncomingHttpHeaders } from 'node:http';
import { namesLoopback } from '../core/hub/listen-address.ts';
import { refusal, type Refusal } from '../core/hub/refusal.ts';
import {
  cookieOf,
  hostToken,
  isSameToken,
  isSession,
  sessionToken,
  tokenOfHeader,
} from '../core/hub/tokens.ts';
import type { EpochMs } from '../core/time.ts';

export interface HubSecrets {
  /** Undefined if the hub accepts no publish. */
  readonly publishToken: string | undefined;
  /** Undefined if the hub accepts no reports. */
  readonly reportSecret: string | undefined;
  /** Without it manifests are open to all, and reports and the page only to this machine. */
  readonly readToken: string | undefined;
}

export interface AccessOptions extends HubSecrets {
  /** Whether the listener is reachable from this machine only. */
  readonly isLoopback: boolean;
  readonly now: () => EpochMs;
}

type Headers = IncomingHttpHeaders;

/** Each check returns undefined if the request is allowed. */
export interface Access {
  readonly publish: (headers: Headers) => Refusal | undefined;
  readonly readManifests: (headers: Headers) => Refusal | undefined;
  readonly readReports: (headers: Headers) => Refusal | undefined;
  readonly report: (headers: Headers, environment: string, host: string) => Refusal | undefined;
  /** Returns the `Set-Cookie` value of a session; undefined if `offered` is not the read token. */
  readonly logIn: (offered: string, isSecure: boolean) => string | undefined;
  readonly logOut: string;
}

const COOKIE = 'supercargo_session';
const SESSION_SECONDS = 12 * 3600;

const unauthorized = (what: string, how: string): Refusal =>
  refusal(401, 'unauthorized', `${what} needs a token that this hub knows`, how);
const forbidden = (message: string, advice: string): Refusal => refusal(403, 'forbidden', message, advice);

const matches = (offered: string | undefined, expected: string | undefined): boolean =>
  offered !== undefined && expected !== undefined && isSameToken(offered, expected);

/** Behind a proxy every request seems to come from this machine. */
const isForwarded = (headers: Headers): boolean =>
  ['x-forwarded-for', 'x-real-ip', 'forwarded', 'via'].some((name) => headers[name] !== undefined);

const cookie = (value: string, seconds: number, isSecure: boolean): string =>
  `${COOKIE}=${value}; Path=/; Max-Age=${String(seconds)}; HttpOnly; SameSite=Strict` +
  (isSecure ? '; Secure' : '');

export const createAccess = (options: AccessOptions): Access => {
  const { publishToken, readToken, reportSecret, isLoopback, now } = options;
  const canPublish = (headers: Headers): boolean =>
    matches(tokenOfHeader(headers.authorization), publishToken);
  const canRead = (headers: Headers): boolean => {
    if (matches(tokenOfHeader(headers.authorization), readToken) || canPublish(headers)) return true;
    const session = readToken === undefined ? undefined : cookieOf(headers.cookie, COOKIE);
    return session !== undefined && readToken !== undefined && isSession(session, readToken, now());
  };
  const readAdvice = 'send the read token as "Authorization: Bearer TOKEN", or log in at /login';

  return {
    publish: (headers) => {
      if (canPublish(headers)) return undefined;
      if (publishToken === undefined)
        return forbidden(
          'this hub takes no manifests: it has no publish token',
          'start it with SUPERCARGO_PUBLISH_TOKEN',
        );
      return canRead(headers)
        ? forbidden(
            'the read token cannot publish',
            'send the publish token; `supercargo publish` takes it from SUPERCARGO_PUBLISH_TOKEN',
          )
        : unauthorized(
            'publishing',
            'send the publish token as "Authorization: Bearer TOKEN"; `supercargo publish` takes it from ' +
              'SUPERCARGO_PUBLISH_TOKEN or SUPERCARGO_PUBLISH_TOKEN_FILE',
          );
    },
    readManifests: (headers) =>
      readToken === undefined || canRead(headers) ? undefined : unauthorized('reading manifests', readAdvice),
    readReports: (headers) => {
      if (canRead(headers)) return undefined;
      if (readToken !== undefined) return unauthorized('reading reports', readAdvice);
      if (isLoopback && !isForwarded(headers) && namesLoopback(headers.host)) return undefined;
      return forbidden(
        'reports are shown only to this machine: the hub has no read token',
        'start the hub with SUPERCARGO_READ_TOKEN',
      );
    },
    report: (headers, environment, host) => {
      const offered = tokenOfHeader(headers.authorization);
      if (reportSecret === undefined)
        return forbidden(
          'this hub takes no reports: it has no report secret',
          'start it with SUPERCARGO_REPORT_SECRET',
        );
      if (matches(offered, hostToken(reportSecret, environment, host))) return undefined;
      const advice = `give the host its own token: supercargo hub token ${environment} ${host}`;
      return offered === undefined
        ? unauthorized('reporting', advice)
        : forbidden(`this is not the token of ${host} in ${environment}`, advice);
    },
    logIn: (offered, isSecure) => {
      if (readToken === undefined || !isSameToken(offered, readToken)) return undefined;
      const session = sessionToken(readToken, now() + SESSION_SECONDS * 1000);
      return cookie(session, SESSION_SECONDS, isSecure);
    },
    logOut: cookie('', 0, false),
  };
};
