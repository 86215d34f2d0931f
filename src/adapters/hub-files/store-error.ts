import { AgentError, messageOf, type Retry } from '../../core/errors.ts';

interface Cause {
  readonly codes: readonly string[];
  readonly text: string;
  readonly advice: string;
  readonly retry: Retry;
}

const CAUSES: readonly Cause[] = [
  {
    codes: ['ENOSPC', 'EDQUOT'],
    text: 'no space is left',
    advice: 'free some space on the disk of the hub’s folder (df -h, df -i)',
    retry: 'later',
  },
  {
    codes: ['EACCES', 'EPERM'],
    text: 'permission denied',
    advice: 'give the hub’s folder to the user that runs the hub (chown)',
    retry: 'changed',
  },
  {
    codes: ['EROFS'],
    text: 'the file system is read-only',
    advice: 'look for disk faults (dmesg), and mount it writable again',
    retry: 'changed',
  },
  {
    codes: ['EMFILE', 'ENFILE'],
    text: 'too many files are open',
    advice: 'raise the limit of open files (LimitNOFILE= of the unit) above the number of connections',
    retry: 'later',
  },
];

/** `action` completes "cannot …", e.g. "write manifests/staging.json". */
export const storeError = (error: unknown, action: string): AgentError => {
  if (error instanceof AgentError) return error;
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known = CAUSES.find(({ codes }) => codes.includes(code));
  return new AgentError('STORE', `cannot ${action}: ${known?.text ?? messageOf(error)}`, {
    cause: error,
    retry: known?.retry ?? 'later',
    advice: known?.advice ?? 'check the hub’s folder (--data) and its disk (dmesg)',
    ...(code === '' ? {} : { fields: { code } }),
  });
};
