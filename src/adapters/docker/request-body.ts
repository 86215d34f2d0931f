/**
 * dockerode writes every option into the URL too, and URLs end up in logs: what is secret here (environments,
 * passwords in driver options) belongs into the body alone.
 */
export const inBody = <T extends object>(body: T, abortSignal: AbortSignal, query: object = {}): T =>
  ({ _query: query, _body: body, abortSignal }) as unknown as T;
