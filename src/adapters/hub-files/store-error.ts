import { AgentError } from '../../core/errors.ts';
import { fileErrors } from '../../io/file-error.ts';

const errorOf = fileErrors(
  'STORE',
  {
    full: 'free some space on the disk of the hub’s folder (df -h, df -i)',
    denied: 'give the hub’s folder to the user that runs the hub (chown)',
    readOnly: 'look for disk faults (dmesg), and mount it writable again',
    missing: 'name a folder (--data) that can be made, below one that exists',
    tooManyOpen: 'raise the limit of open files (LimitNOFILE= of the unit) above the number of connections',
  },
  'check the hub’s folder (--data) and its disk (dmesg)',
);

/** `action` completes "cannot …", e.g. "write manifests/staging.json". */
export const storeError = (error: unknown, action: string): AgentError =>
  error instanceof AgentError ? error : errorOf(error, action);
