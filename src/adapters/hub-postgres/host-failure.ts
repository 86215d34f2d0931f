import { AgentError, messageOf } from '../../core/errors.ts';
import { hostText, type DatabaseHost } from './database-address.ts';
import { codeOf, databaseError } from './database-error.ts';

/** Why a host of the database cannot be used. */
export interface HostFailure {
  readonly host: string;
  /** Completes "HOST …". */
  readonly reason: string;
  /** Set if a person must act before it can be used. */
  readonly advice: string | undefined;
}

/** By the code of Node or of the driver. */
const UNREACHABLE: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'refuses connections',
  ENOENT: 'has no such socket',
  ENOTFOUND: 'is an unknown name',
  EAI_AGAIN: 'cannot be resolved now',
  EHOSTUNREACH: 'cannot be reached',
  ENETUNREACH: 'cannot be reached',
  ABORT_ERR: 'does not answer',
  CONNECT_TIMEOUT: 'does not answer',
};
const UNTRUSTED = /^(?:UNABLE_TO_|SELF_SIGNED_|DEPTH_ZERO_|CERT_)/;
const TLS_ADVICE =
  'name the file of its authority with ?sslrootcert=FILE, and each host as its certificate does';

const certificateFault = (code: string): string | undefined => {
  if (code === 'ERR_TLS_CERT_ALTNAME_INVALID') return 'has a certificate of another name';
  if (code === 'CERT_HAS_EXPIRED') return 'has a certificate that has expired';
  return UNTRUSTED.test(code) ? 'has a certificate that no trusted authority signed' : undefined;
};

export const hostFailure = (place: DatabaseHost, error: unknown): HostFailure => {
  const [host, code] = [hostText(place), codeOf(error)];
  const certificate = certificateFault(code);
  if (certificate !== undefined) return { host, reason: certificate, advice: TLS_ADVICE };
  const unreachable = UNREACHABLE[code];
  if (unreachable !== undefined) return { host, reason: unreachable, advice: undefined };
  if (code === '' && !(error instanceof AgentError))
    return { host, reason: `fails: ${messageOf(error)}`, advice: undefined };
  const { message, retry, advice } = databaseError(error);
  return { host, reason: `answers: ${message}`, advice: retry === 'later' ? undefined : advice };
};

const WAIT_ADVICE = 'check that PostgreSQL runs and has a primary; the hub looks for it again by itself';

/** `later` unless a person must act. */
export const noPrimary = (failures: readonly HostFailure[]): AgentError => {
  const texts = failures.map(({ host, reason }) => `${host} ${reason}`);
  const advice = failures.find((failure) => failure.advice !== undefined)?.advice;
  return new AgentError('STORE', `no primary of the database can be reached: ${texts.join('; ')}`, {
    advice: advice ?? WAIT_ADVICE,
    retry: advice === undefined ? 'later' : 'changed',
  });
};
