import { AgentError } from '../../core/errors.ts';
import type { HttpAnswer } from '../../io/http.ts';
import { reasonIn } from './store-exchange.ts';

const ADVICE: Readonly<Record<number, string>> = {
  401:
    'set SUPERCARGO_REPORT_TOKEN or SUPERCARGO_REPORT_TOKEN_FILE to the token that ' +
    '`supercargo hub token ENV HOST` prints for this host',
  403:
    'the token is that of another host or environment, or revoked: ' +
    'make one with `supercargo hub token ENV HOST`, with the --generation that the hub names',
  404: 'check SUPERCARGO_REPORT_URL: reports are kept below it, in reports/ENV/HOST.json',
  405: 'check SUPERCARGO_REPORT_URL, and that the server takes PUT there (for nginx: dav_methods PUT)',
  409: 'check that the server may make folders there (for nginx: create_full_put_path on)',
  413: 'raise the limit of the server for bodies to 256 KiB (for nginx: client_max_body_size)',
};

/** What an answer other than success means for the host. */
export const refusalOf = (url: string, { status, body, header }: HttpAnswer): AgentError => {
  const reason = reasonIn(body);
  const isPassing = status === 429 || status >= 500;
  const redirected =
    header('location') === undefined ? '' : ' with a redirect, which the agent does not follow';
  return new AgentError(
    status === 401 || status === 403 ? 'CREDENTIALS' : 'STORE',
    `${url} answered ${String(status)}${reason === '' ? redirected : `: ${reason}`}`,
    {
      retry: 'later',
      advice:
        ADVICE[status] ??
        (isPassing
          ? 'look at the server; the agent tries again by itself'
          : 'check SUPERCARGO_REPORT_URL: the server must answer with status 200, 201 or 204'),
      fields: { status },
    },
  );
};
