/**
 * Puts the options into the body alone. dockerode writes them into the URL too, and URLs end up in logs, with
 * environments and passwords.
 */
export const inBody = <T extends object>(body: T, abortSignal: AbortSignal, query: object = {}): T =>
  ({ _query: query, _body: body, abortSignal }) as unknown as T;
