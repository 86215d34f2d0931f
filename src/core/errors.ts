import type { ErrorCode } from './vocabulary/error-codes.ts';

/** `later`: the next tick tries again. `changed`: another try helps only after a person changed something. */
export type Retry = 'later' | 'changed';

export interface ErrorOptions {
  readonly retry?: Retry;
  readonly cause?: unknown;
  /** What the operator can do now, as one imperative sentence. */
  readonly advice?: string;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The only error class. `message` says what is wrong, `advice` what to do next; neither contains a secret.
 */
export class AgentError extends Error {
  override readonly name = 'AgentError';
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly advice: string | undefined;
  readonly fields: Readonly<Record<string, string | number | boolean>>;

  constructor(code: ErrorCode, message: string, options: ErrorOptions = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retry = options.retry ?? 'changed';
    this.advice = options.advice;
    this.fields = options.fields ?? {};
  }
}

/** The original message, for comparisons only. It may quote a secret, so it must not be shown. */
export const rawMessageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A quotation in a foreign message, up to its end. An apostrophe inside a word starts no quotation. */
const QUOTATION = /(?<![A-Za-z0-9])(["'`])(?:(?!\1)[^])*(?:\1|$)/g;
const RECEIVED = /\bReceived\b[^]*$/;
const LOGIN_IN_URL = /\/\/[^\s/@]+@/g;

/**
 * The message without its quotations. Libraries and Node quote their input, which may be the value of a
 * variable, a password in a URL or part of a file. Our own errors never contain these.
 */
export const messageOf = (error: unknown): string => {
  const message = rawMessageOf(error);
  if (error instanceof AgentError) return message;
  if (error instanceof SyntaxError) return 'a text that cannot be parsed';
  return message.replace(RECEIVED, '…').replaceAll(QUOTATION, '…').replaceAll(LOGIN_IN_URL, '//…@');
};

/**
 * Why a system call failed, such as `permission denied (EACCES)`. It leaves out the path that Node's message
 * quotes, because a path can contain the value of a variable.
 */
export const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^E[A-Z0-9_]+$/.test(code)) return 'an error without a system code';
  const [, text] = /^E[A-Z0-9]+: ([a-z][a-z ,'-]*?), [a-z]+\b/.exec(messageOf(error)) ?? [];
  return text === undefined ? code : `${text} (${code})`;
};

/** Turns an unforeseen error into INTERNAL, which is worth another try. */
export const toAgentError = (error: unknown): AgentError =>
  error instanceof AgentError
    ? error
    : new AgentError('INTERNAL', messageOf(error), {
        retry: 'later',
        cause: error,
        advice: 'this is a fault in supercargo: please report it with the log',
      });
