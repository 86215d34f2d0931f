import { AgentError, messageOf } from '../../core/errors.ts';

const SEE_LOG = "see the log of the edge's container (docker logs); the engine starts it again by itself";

const ADVICE: Readonly<Record<string, { readonly text: string; readonly advice: string }>> = {
  ENOENT: { text: 'it does not run', advice: SEE_LOG },
  ECONNREFUSED: { text: 'it does not run', advice: SEE_LOG },
  EACCES: {
    text: 'permission denied',
    advice:
      'run the agent as the user that created the edge, or remove the container of the edge for a new one',
  },
};

/** The edge does not answer at this socket. Retried, because the engine restarts the edge. */
export const unreachable = (socketPath: string, cause: unknown): AgentError => {
  const code = (cause as NodeJS.ErrnoException).code ?? '';
  const { text, advice } = ADVICE[code] ?? { text: messageOf(cause), advice: SEE_LOG };
  return new AgentError('EDGE_UNREACHABLE', `the edge does not answer at ${socketPath}: ${text}`, {
    retry: 'later',
    cause,
    advice,
    ...(code === '' ? {} : { fields: { code } }),
  });
};

/** Nothing listens at the socket, unlike an edge that hangs or refuses the agent. */
export const isNotRunning = (error: unknown): boolean =>
  error instanceof AgentError && ['ENOENT', 'ECONNREFUSED'].includes(String(error.fields['code']));

/** The edge refused a command, or its answer makes no sense. `text` says which. */
export const edgeError = (what: string, text: string): AgentError =>
  new AgentError('EDGE', `cannot ${what}: ${text.trim().split('\n')[0] ?? ''}`, {
    retry: 'later',
    advice: 'the agent tries again by itself; if this stays, remove the container of the edge for a new one',
  });
