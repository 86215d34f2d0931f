/** Why a request is refused: an HTTP status, a stable word, a message and advice. Never contains a secret. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}

/** The message and advice in the body of a hub's refusal. Undefined for another server's page. */
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
