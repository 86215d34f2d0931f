/** When trying again can help: `later` by itself (the tick is the retry), `changed` only after somebody changed something. */
export type Retry = 'later' | 'changed';

/** Every code an operator can meet. They are part of the public surface: docs, metrics and tests match on them. */
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

/** The one error class. `message` says what is wrong, `advice` what to do next; neither ever holds a secret. */
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

export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Anything thrown becomes an AgentError; what we did not foresee is INTERNAL and worth another try. */
export const toAgentError = (error: unknown): AgentError =>
  error instanceof AgentError
    ? error
    : new AgentError('INTERNAL', messageOf(error), {
        retry: 'later',
        cause: error,
        advice: 'this is a fault in supercargo: please report it with the log',
      });
