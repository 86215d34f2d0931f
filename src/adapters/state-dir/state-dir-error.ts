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
    advice:
      'free some space on the disk of the state folder (df -h, df -i); what runs keeps running meanwhile',
    retry: 'later',
  },
  {
    codes: ['EACCES', 'EPERM'],
    text: 'permission denied',
    advice:
      'give the state folder to the user of the agent (chown, or StateDirectory=supercargo in the unit)',
    retry: 'changed',
  },
  {
    codes: ['EROFS'],
    text: 'the file system is read-only',
    advice:
      'look for disk faults (dmesg), mount it writable, or name the folder in ReadWritePaths= of the unit',
    retry: 'changed',
  },
  {
    codes: ['ENOENT', 'ENOTDIR'],
    text: 'the folder does not exist',
    advice: 'create the state folder, or name another one in SUPERCARGO_STATE_DIR',
    retry: 'changed',
  },
];

const OTHER: Omit<Cause, 'codes' | 'text'> = {
  advice: 'check the state folder and its disk (SUPERCARGO_STATE_DIR, dmesg)',
  retry: 'later',
};

/** `action` completes "cannot …", e.g. "write /var/lib/supercargo/ledger.json". */
export const stateDirError = (error: unknown, action: string): AgentError => {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  const known = CAUSES.find(({ codes }) => codes.includes(code));
  const { advice, retry } = known ?? OTHER;
  return new AgentError('STATE_DIR', `cannot ${action}: ${known?.text ?? messageOf(error)}`, {
    cause: error,
    retry,
    advice,
    ...(code === '' ? {} : { fields: { code } }),
  });
};
