/** Why a request is refused: an HTTP status, a stable word, a message and advice. Never contains a secret. */
export interface Refusal {
  readonly status: number;
  readonly code: string;
  readonly message: string;
  readonly advice: string;
  /** When another try is worth it. */
  readonly retryAfterSeconds?: number;
}

interface ReadRefusal {
  readonly code: string | undefined;
  readonly message: string;
  readonly advice: string | undefined;
}

const textOr = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);

/** What the body of a hub's refusal says. Undefined for another server's page. */
export const parseRefusal = (body: string): ReadRefusal | undefined => {
  try {
    const { error } = JSON.parse(body) as {
      error?: { code?: unknown; message?: unknown; advice?: unknown };
    };
    const { code, message, advice } = error ?? {};
    if (typeof message !== 'string') return undefined;
    return { code: textOr(code), message, advice: textOr(advice) };
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
