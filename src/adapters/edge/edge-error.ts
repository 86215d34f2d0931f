import { AgentError, messageOf } from '../../core/errors.ts';

const LOOK = "see the log of the edge's container (docker logs); the engine starts it again by itself";

const ADVICE: Readonly<Record<string, { readonly words: string; readonly advice: string }>> = {
  ENOENT: { words: 'it does not run', advice: LOOK },
  ECONNREFUSED: { words: 'it does not run', advice: LOOK },
  EACCES: {
    words: 'permission denied',
    advice:
      'run the agent as the user that created the edge, or remove the container of the edge for a new one',
  },
};

/** The edge does not answer at this socket. Retried, because the engine restarts the edge. */
export const unreachable = (socketPath: string, cause: unknown): AgentError => {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const { words, advice } = ADVICE[code] ?? { words: messageOf(cause), advice: LOOK };
  return new AgentError('EDGE_UNREACHABLE', `the edge does not answer at ${socketPath}: ${words}`, {
    retry: 'later',
    cause,
    advice,
    ...(code === '' ? {} : { fields: { code } }),
  });
};

/** The edge refused a command, or its answer makes no sense. `words` is its text. */
export const edgeError = (what: string, words: string): AgentError =>
  new AgentError('EDGE', `cannot ${what}: ${words.trim().split('\n')[0] ?? ''}`, {
    retry: 'later',
    advice: 'the agent tries again by itself; if this stays, remove the container of the edge for a new one',
  });
