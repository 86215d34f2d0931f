import { spawn } from 'node:child_process';
import * as v from 'valibot';
import { AgentError } from '../../core/errors.ts';

/** A program `docker-credential-NAME` (github.com/docker/docker-credential-helpers, "Development"). */
export interface CredentialProgram {
  readonly name: string;
  readonly path: string;
  readonly home: string;
  readonly dockerConfigDir: string;
  readonly timeoutMs: number;
}

export interface ProgramAnswer {
  readonly Username: string;
  readonly Secret: string;
}

const Answer = v.object({ Username: v.string(), Secret: v.string() });
const NAME = /^[A-Za-z0-9][A-Za-z0-9._-]*$/;

interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  /** The program printed more than any login has, and was killed. */
  readonly isTooLong?: boolean;
}

const MAX_ANSWER_BYTES = 1024 ** 2;

const failure = (
  program: CredentialProgram,
  key: string,
  what: string,
  retry: 'later' | 'changed',
): AgentError =>
  new AgentError('CREDENTIALS', `the credential program docker-credential-${program.name} ${what}`, {
    retry,
    advice: `as the user of the agent, try: echo ${key} | docker-credential-${program.name} get`,
    fields: { program: `docker-credential-${program.name}`, registry: key },
  });

const missing = (program: CredentialProgram, code: string): AgentError =>
  new AgentError('CREDENTIALS', `cannot start docker-credential-${program.name}: ${code}`, {
    advice:
      `install docker-credential-${program.name} in a folder of the agent's PATH (${program.path}), ` +
      'or remove it from config.json',
    fields: { program: `docker-credential-${program.name}` },
  });

/** Kills the process group, because a child that keeps stdout open must not outlive the time limit. */
const killGroup = (pid: number | undefined): void => {
  if (pid === undefined) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // The group has ended already.
  }
};

const run = async (program: CredentialProgram, key: string, signal: AbortSignal): Promise<Ended> => {
  const child = spawn(`docker-credential-${program.name}`, ['get'], {
    env: { PATH: program.path, HOME: program.home, DOCKER_CONFIG: program.dockerConfigDir },
    stdio: ['pipe', 'pipe', 'ignore'],
    detached: true,
  });
  const stop = (): void => {
    killGroup(child.pid);
    // A grandchild in another session would keep the pipe open forever.
    child.stdout.destroy();
  };
  signal.addEventListener('abort', stop, { once: true });
  // A program that does not read its input breaks the pipe; only its exit code counts.
  child.stdin.on('error', () => undefined);
  child.stdin.end(key);
  try {
    const code = new Promise<number | null>((resolve, reject) => {
      child.once('error', reject).once('close', resolve);
    });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length > MAX_ANSWER_BYTES) stop();
      else chunks.push(chunk);
    });
    const ended = await code;
    return {
      code: ended,
      stdout: Buffer.concat(chunks).toString('utf8'),
      isTooLong: length > MAX_ANSWER_BYTES,
    };
  } finally {
    signal.removeEventListener('abort', stop);
  }
};

const parseAnswer = (stdout: string): ProgramAnswer | undefined => {
  try {
    const result = v.safeParse(Answer, JSON.parse(stdout));
    return result.success ? result.output : undefined;
  } catch {
    return undefined;
  }
};

const answerOf = (
  program: CredentialProgram,
  key: string,
  { code, stdout, isTooLong }: Ended,
): ProgramAnswer | undefined => {
  if (isTooLong === true) throw failure(program, key, 'printed more than 1 MiB', 'changed');
  if (code !== 0) {
    // Every program prints this text on stdout (docker-credential-helpers, `NewErrCredentialsNotFound`).
    if (/credentials not found/i.test(stdout)) return undefined;
    throw failure(program, key, code === null ? 'was killed' : `ended with code ${code}`, 'later');
  }
  const answer = parseAnswer(stdout);
  if (answer === undefined)
    throw failure(program, key, 'gave an answer that is not {"Username", "Secret"}', 'changed');
  return answer;
};

/**
 * Asks the program for the login of a registry; returns undefined if it has none. Errors never quote its
 * output, which may be the secret.
 */
export const askProgram = async (
  program: CredentialProgram,
  key: string,
  signal: AbortSignal,
): Promise<ProgramAnswer | undefined> => {
  if (!NAME.test(program.name)) throw failure(program, key, 'has an invalid name', 'changed');
  signal.throwIfAborted();
  const limit = AbortSignal.timeout(program.timeoutMs);
  const ended = await run(program, key, AbortSignal.any([signal, limit])).catch(
    (error: NodeJS.ErrnoException) => {
      if (signal.aborted || limit.aborted) return { code: null, stdout: '' };
      throw missing(program, error.code ?? error.message);
    },
  );
  signal.throwIfAborted();
  if (limit.aborted)
    throw failure(program, key, `gave no answer within ${program.timeoutMs / 1000} s`, 'later');
  return answerOf(program, key, ended);
};
