/**
 * Why a request is not served: an HTTP status, a stable word, what is wrong and what to do. Never holds a
 * secret.
 */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

/** What a hub says in the body of a refusal. Undefined: it is another server's page. */
export const parseRefusal = (
  body: string,
): { readonly message: string; readonly advice: string | undefined } | undefined => {
  try {
    const { error } = JSON.parse(body) as { error?: { message?: unknown; advice?: unknown } };
    const { message, advice } = error ?? {};
    if (typeof message !== 'string') return undefined;
    return { message, advice: typeof advice === 'string' ? advice : undefined };
  } catch {
    return undefined;
  }
};

export const refusal = (status: number, code: string, message: string, advice: string): Refusal => ({
  status,
  code,
  message,
  advice,
});
