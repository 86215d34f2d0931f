/**
 * When trying again can help: `later` by itself (the tick is the retry), `changed` only after somebody
 * changed something.
 */
export type Retry = 'later' | 'changed';

/**
 * Every code an operator can meet. They are part of the public surface: docs, metrics and tests match on
 * them.
 */
export type ErrorCode =
  | 'USAGE'
  | 'CONFIG'
  | 'AGENT_RUNNING'
  | 'AGENT_NOT_RUNNING'
  | 'TIMED_OUT'
  | 'COMPOSE'
  | 'TRUST'
  | 'MANIFEST_UNREACHABLE'
  | 'STORE'
  | 'KEY'
  | 'CREDENTIALS'
  | 'ENGINE_OFFLINE'
  | 'ENGINE'
  | 'REGISTRY'
  | 'REGISTRY_AUTH'
  | 'IMAGE_NOT_FOUND'
  | 'IMAGE_MISMATCH'
  | 'DISK_FULL'
  | 'NAME_TAKEN'
  | 'EDGE'
  | 'EDGE_UNREACHABLE'
  | 'PORT_TAKEN'
  | 'NETWORK'
  | 'VOLUME'
  | 'RELEASE'
  | 'REPEATED'
  | 'LEDGER'
  | 'STATE_DIR'
  | 'INTERNAL';

export interface ErrorOptions {
  readonly retry?: Retry;
  readonly cause?: unknown;
  /** What the operator can do now: one sentence in the imperative. */
  readonly advice?: string;
  readonly fields?: Readonly<Record<string, string | number | boolean>>;
}

/**
 * The one error class. `message` says what is wrong, `advice` what to do next; neither ever holds a secret.
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

/**
 * As it was thrown, to be compared with what is known; never to be shown: it may quote what it was thrown
 * for.
 */
export const rawMessageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** A quotation in a foreign message, up to its end; an apostrophe inside of a word begins none. */
const QUOTATION = /(?<![A-Za-z0-9])(["'`])(?:(?!\1)[^])*(?:\1|$)/g;
const RECEIVED = /\bReceived\b[^]*$/;
const LOGIN_IN_URL = /\/\/[^\s/@]+@/g;

/**
 * What an error says, without what it quotes. Libraries and Node put what they were given into their
 * messages, and that may be a value of a variable, a password in an address or a piece of a file. Our own
 * errors hold no such thing.
 */
export const messageOf = (error: unknown): string => {
  const message = rawMessageOf(error);
  if (error instanceof AgentError) return message;
  if (error instanceof SyntaxError) return 'a text that cannot be parsed';
  return message.replace(RECEIVED, '…').replaceAll(QUOTATION, '…').replaceAll(LOGIN_IN_URL, '//…@');
};

/**
 * Why a call to the system failed, without the paths that Node's own message quotes: `permission denied
 * (EACCES)`. A path or address of a file can hold the value of a variable.
 */
export const reasonOf = (error: unknown): string => {
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  if (!/^E[A-Z0-9_]+$/.test(code)) return 'an error without a code of the system';
  const [, words] = /^E[A-Z0-9]+: ([a-z][a-z ,'-]*?), [a-z]+\b/.exec(messageOf(error)) ?? [];
  return words === undefined ? code : `${words} (${code})`;
};

/** Anything thrown becomes an AgentError; what we did not foresee is INTERNAL and worth another try. */
export const toAgentError = (error: unknown): AgentError =>
  error instanceof AgentError
    ? error
    : new AgentError('INTERNAL', messageOf(error), {
        retry: 'later',
        cause: error,
        advice: 'this is a fault in supercargo: please report it with the log',
      });
