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

export const refusal = (status: number, code: string, message: string, advice: string): Refusal => ({
  status,
  code,
  message,
  advice,
});
