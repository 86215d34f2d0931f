import { AgentError, messageOf, rawMessageOf } from '../../core/errors.ts';
import { showUrl } from '../../io/http.ts';

/** The error for a response without a manifest. */
export const answerFailure = (url: URL, status: number, hasCredentials: boolean): AgentError => {
  const message = `${showUrl(url)} answered ${status}`;
  const fields = { status };
  if (status === 401 || status === 403) {
    const advice = hasCredentials
      ? 'correct the login in the file that SUPERCARGO_MANIFEST_CREDENTIALS names; every poll reads it again'
      : 'set SUPERCARGO_MANIFEST_CREDENTIALS to a file with user:password or a token';
    return new AgentError('CREDENTIALS', message, { advice, fields });
  }
  if (status === 404 || status === 410) {
    const advice = 'publish a manifest there, or correct SUPERCARGO_MANIFEST_URL';
    return new AgentError('MANIFEST_UNREACHABLE', message, { retry: 'later', advice, fields });
  }
  const advice =
    status === 429 || status >= 500
      ? 'look at the server; the agent tries again by itself'
      : 'check SUPERCARGO_MANIFEST_URL: the server must answer with status 200';
  return new AgentError('MANIFEST_UNREACHABLE', message, { retry: 'later', advice, fields });
};

export const unreachable = (url: URL, reason: string, advice: string): AgentError =>
  new AgentError('MANIFEST_UNREACHABLE', `cannot read ${showUrl(url)}: ${reason}`, {
    retry: 'later',
    advice,
  });

/** For a list of hubs, none of which answers. */
export const noneAnswers = (failures: string, advice: string | undefined): AgentError =>
  new AgentError('MANIFEST_UNREACHABLE', `cannot read the manifest from any hub: ${failures}`, {
    retry: 'later',
    ...(advice !== undefined && { advice }),
  });

const CERTIFICATE = /CERT|SELF_SIGNED|UNABLE_TO_VERIFY|ERR_TLS|ERR_SSL|EPROTO/;

const adviceFor = (code: string, message: string): string => {
  if (/^ENOTFOUND$|^EAI_/.test(code) || message.includes("'lookup'"))
    return 'check the name in SUPERCARGO_MANIFEST_URL and the DNS of this host';
  if (CERTIFICATE.test(code)) {
    return "check the server's certificate, SUPERCARGO_CA, SUPERCARGO_CLIENT_CERT and SUPERCARGO_CLIENT_KEY";
  }
  if (code === 'ETIMEDOUT')
    return 'look at the server and the network between; the agent tries again by itself';
  return 'look at the server, its port and the network between; the agent tries again by itself';
};

/**
 * The error for a failure below HTTP. got's error is not kept as the cause, because it carries the request
 * with its credentials, and a logger would print them.
 */
export const transportFailure = (url: URL, error: unknown): AgentError => {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  return unreachable(url, messageOf(error), adviceFor(code, rawMessageOf(error)));
};
