import { AgentError, messageOf } from '../../core/errors.ts';

/** `path` is inside the folder that `--to` names. */
export const folderError = (verb: string, path: string, error: unknown): AgentError =>
  new AgentError('STORE', `cannot ${verb} ${path}: ${messageOf(error)}`, {
    cause: error,
    advice: 'check --to, the free space on its disk, and that this user may read and write there',
  });
