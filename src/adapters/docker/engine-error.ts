import { AgentError } from '../../core/errors.ts';
import { anyOf } from './any-of.ts';
import { REFUSED_SETTING } from './refused-setting.ts';
import type { ErrorCode } from '../../core/vocabulary/error-codes.ts';

interface Rule {
  readonly pattern: RegExp;
  readonly code: ErrorCode;
  readonly retry: 'later' | 'changed';
  readonly advice: string;
}

const AUTH = {
  code: 'REGISTRY_AUTH',
  retry: 'changed',
  advice:
    'check the login of this registry in DOCKER_CONFIG/config.json, and that the repository exists ' +
    '(supercargo doctor)',
} as const;

const MOUNT = {
  code: 'VOLUME',
  retry: 'changed',
  advice: 'check the volumes in the compose file: each source has to exist on this host',
} as const;

const REFUSED = {
  pattern: REFUSED_SETTING,
  code: 'ENGINE',
  retry: 'changed',
  advice: 'the engine refuses this setting: correct the compose file',
} as const;

/** Error texts of engines and registries. The first matching row decides; the last row always matches. */
const RULES: readonly [...Rule[], Rule] = [
  {
    pattern: /no space left on device|disk quota exceeded/i,
    code: 'DISK_FULL',
    retry: 'changed',
    advice: "free space on the engine's disk (docker system df)",
  },
  {
    pattern: /port is already allocated|bind: address already in use|failed to bind host port/i,
    code: 'PORT_TAKEN',
    retry: 'changed',
    advice: 'find the program that listens on that port (ss -ltnp), and stop it or choose another port',
  },
  {
    pattern: /name .* is already in use/i,
    code: 'NAME_TAKEN',
    retry: 'changed',
    advice: 'rename or remove the container that has this name',
  },
  {
    // Before the registries' rows, because of "exec: …: permission denied: unknown". Other runtime errors are
    // the host's.
    pattern: anyOf(
      /executable file not found|exec format error|no command specified|exec: ".*": /,
      /unable to find (?:user|group) |cannot mkdir: .* is not a directory/,
    ),
    code: 'RELEASE',
    retry: 'changed',
    advice: 'the image can not be started: check its command, entrypoint, user, working_dir and platform',
  },
  // The runtime's rows come before the registries': "permission denied: unknown" is not a failed login.
  { pattern: /OCI runtime create failed.*error mounting "/is, ...MOUNT },
  { ...REFUSED, pattern: new RegExp(`OCI runtime create failed.*(?:${REFUSED_SETTING.source})`, 'is') },
  {
    pattern: /OCI runtime create failed/i,
    code: 'ENGINE',
    retry: 'later',
    advice: 'the engine can not start a container with these settings: see its log (journalctl -u docker)',
  },
  {
    // A manifest or config differs if the server has other content under this digest; a damaged layer is a
    // network error.
    pattern: /(?:manifest|image config) verification failed for digest/i,
    code: 'IMAGE_MISMATCH',
    retry: 'changed',
    advice: 'the registry serves other content under this digest: find out why before you use it',
  },
  {
    pattern: /toomanyrequests|too many requests|rate limit/i,
    code: 'REGISTRY',
    retry: 'later',
    advice: 'the registry limits pulls: it is tried again; log in or use a mirror to get a higher limit',
  },
  {
    pattern: anyOf(
      /unauthorized|authentication required|no basic auth credentials|access denied/,
      /access to the resource is denied|denied:|incorrect username or password/,
    ),
    ...AUTH,
  },
  {
    pattern: anyOf(
      /manifest unknown|manifest for .* not found|name unknown|repository .* not found/,
      /not found: manifest|no matching manifest|not found: does not exist/,
    ),
    code: 'IMAGE_NOT_FOUND',
    retry: 'changed',
    advice: 'push the image, or publish a version that exists in the registry, for this platform',
  },
  {
    pattern: /no such image/i,
    code: 'IMAGE_NOT_FOUND',
    retry: 'later',
    advice: 'the image left this host meanwhile: it is fetched again',
  },
  {
    pattern: anyOf(
      /pool overlaps|invalid pool|could not find an available.*address pool/,
      /network .* not found|no such network|network .* is ambiguous/,
      /address already in use|address .*(?:out of range|outside)|invalid address/,
      /user specified IP address|cannot assign requested address/,
    ),
    code: 'NETWORK',
    retry: 'changed',
    advice: 'check the networks and fixed addresses in the compose file against docker network ls',
  },
  {
    pattern: anyOf(
      /invalid mount config|bind source path does not exist|no such volume|volume .* not found/,
      /error while (?:mounting volume|creating mount source)|error mounting "/,
    ),
    ...MOUNT,
  },
  REFUSED,
  {
    pattern: /(?:)/,
    code: 'ENGINE',
    retry: 'later',
    advice: 'see the log of the Docker daemon (journalctl -u docker)',
  },
];

/** For requests to a registry: if a proxy's page refuses one, the engine reports only the status. */
const REGISTRY_RULES: typeof RULES = [
  { pattern: /\b40[13] (?:unauthorized|forbidden)|\bHTTP 40[13] response/i, ...AUTH },
  ...RULES,
];

/** Texts about a registry that cannot be reached; used only for requests to a registry. */
const REGISTRY_AWAY = anyOf(
  /connection refused|connection reset|timeout|timed out|no such host|\bEOF\b|i\/o|network is unreachable/,
  /TLS|x509|certificate|50[0-9]|bad gateway|service unavailable|temporary failure|server misbehaving/,
  /Client\.Timeout|http: server gave HTTP/,
);

const OFFLINE_CODES = new Set([
  'ENOENT',
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ENOTFOUND',
  'EAI_AGAIN',
]);

const fieldOf = (error: unknown, field: string): unknown =>
  typeof error === 'object' && error !== null && field in error
    ? (error as Record<string, unknown>)[field]
    : undefined;

/** The engine's own message, without dockerode's prefix. */
const wordsOf = (error: unknown): string => {
  const body = fieldOf(error, 'json');
  const said = fieldOf(body, 'message');
  if (typeof said === 'string') return said.trim();
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/^\(HTTP code \d+\) [^-]*- /, '').trim();
};

export const statusOf = (error: unknown): number | undefined => {
  const status = fieldOf(error, 'statusCode');
  return typeof status === 'number' ? status : undefined;
};

/** Whether our code failed on an answer that breaks the API's contract. Transport errors have a code. */
const isStumble = (error: unknown): boolean =>
  [TypeError, RangeError, SyntaxError].some((kind) => error instanceof kind) &&
  fieldOf(error, 'code') === undefined;

/** Converts anything that dockerode throws to an AgentError. Returns abort errors unchanged. */
export const toEngineError = (error: unknown, what: string, address = ''): unknown => {
  if (error instanceof AgentError) return error;
  const name = fieldOf(error, 'name');
  if (name === 'AbortError') return error;
  if (isStumble(error)) {
    return new AgentError('ENGINE', `${what}: the answer is not one of the Docker API`, {
      retry: 'later',
      cause: error,
      advice: 'see that DOCKER_HOST names a Docker engine, and what stands between it and the agent',
    });
  }
  const code = fieldOf(error, 'code');
  if (code === 'EACCES' || code === 'EPERM') {
    return new AgentError(
      'ENGINE_OFFLINE',
      `${what}: no permission for the engine's socket ${address}`.trim(),
      {
        cause: error,
        advice: 'add the user of the agent to the group docker, then restart it',
      },
    );
  }
  const isSilent =
    name === 'TimeoutError' ||
    (typeof code === 'string' && OFFLINE_CODES.has(code)) ||
    /socket hang up/.test(wordsOf(error));
  if (statusOf(error) === undefined && isSilent) {
    return new AgentError(
      'ENGINE_OFFLINE',
      `${what}${address === '' ? '' : ` at ${address}`}: ${wordsOf(error)}`,
      {
        retry: 'later',
        cause: error,
        advice: 'start the engine (systemctl start docker), or correct DOCKER_HOST',
      },
    );
  }
  return classify(wordsOf(error), what, error);
};

/** Marks the error as the request's own fault, whatever its text. */
export const toRefusal = (error: unknown): unknown =>
  error instanceof AgentError && error.code === 'ENGINE'
    ? new AgentError('ENGINE', error.message, {
        retry: 'changed',
        cause: error.cause,
        advice: REFUSED.advice,
      })
    : error;

export const classify = (words: string, what: string, cause?: unknown, rules = RULES): AgentError => {
  const rule = rules.find((r) => r.pattern.test(words)) ?? rules[rules.length - 1];
  const { code, retry, advice } = rule ?? { code: 'ENGINE' as const, retry: 'later' as const, advice: '' };
  return new AgentError(code, `${what}: ${words}`, { retry, cause, advice });
};

/** Like `toEngineError`, for requests to a registry. An unreachable registry is not the release's fault. */
export const toRegistryError = (error: unknown, what: string): unknown => {
  if (error instanceof AgentError || fieldOf(error, 'name') === 'AbortError') return error;
  const code = fieldOf(error, 'code');
  if (statusOf(error) === undefined && typeof code === 'string') return toEngineError(error, what);
  const words = wordsOf(error);
  const known = classify(words, what, error, REGISTRY_RULES);
  if (known.code !== 'ENGINE' && known.code !== 'NETWORK') return known;
  const isAway = REGISTRY_AWAY.test(words) || known.retry === 'later';
  return new AgentError('REGISTRY', `${what}: ${words}`, {
    retry: 'later',
    cause: error,
    advice: isAway
      ? 'the registry does not answer: it is tried again by itself; what runs stays'
      : 'see the log of the Docker daemon',
  });
};
