import { AgentError, messageOf } from '../../core/errors.ts';
import { parseRefusal } from '../../core/hub/refusal.ts';
import { showUrl, type HttpAnswer } from '../../io/http.ts';

const ADVICE: Readonly<Record<number, string>> = {
  401:
    'set SUPERCARGO_PUBLISH_TOKEN or SUPERCARGO_PUBLISH_TOKEN_FILE to the token of this store ' +
    '(to read only, SUPERCARGO_READ_TOKEN)',
  403: 'check SUPERCARGO_PUBLISH_TOKEN: the store does not allow this with it',
  404: 'check --to: documents are kept below it, in manifests/ and reports/',
  405: 'check --to, and that the server takes PUT there (for nginx: dav_methods PUT DELETE)',
  409: 'check that the server may make folders there (for nginx: create_full_put_path on)',
  413: 'raise the limit of the server for bodies (for nginx: client_max_body_size)',
  507: 'free disk space on the server',
};

export const answerError = (verb: string, url: URL, answer: HttpAnswer): AgentError => {
  const refusal = parseRefusal(answer.body.toString('utf8'));
  const location = answer.header('location');
  const detail = refusal?.message ?? (location === undefined ? '' : `it points to ${location}`);
  const { status } = answer;
  return new AgentError(
    'STORE',
    `cannot ${verb} ${showUrl(url)}: ${String(status)}${detail && `, ${detail}`}`,
    {
      retry: status === 429 || status >= 500 ? 'later' : 'changed',
      advice:
        // A hub's advice is for any client, and names no variable of this one.
        (status === 401 ? undefined : refusal?.advice) ??
        ADVICE[status] ??
        (status >= 500 || status === 429 ? 'look at the server, and publish again' : 'check --to'),
      fields: { status },
    },
  );
};

/** got's error is not kept as the cause, because it carries the request with its credentials. */
export const transportError = (verb: string, url: URL, error: unknown): AgentError =>
  new AgentError('STORE', `cannot ${verb} ${showUrl(url)}: ${messageOf(error)}`, {
    retry: 'later',
    advice: 'check --to, the server and the network between, and its certificate (--ca)',
  });
