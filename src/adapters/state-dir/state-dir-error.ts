import { fileErrors } from '../../io/file-error.ts';

/** `action` completes "cannot …", e.g. "write /var/lib/supercargo/ledger.json". */
export const stateDirError = fileErrors(
  'STATE_DIR',
  {
    full: 'free some space on the disk of the state folder (df -h, df -i); what runs keeps running meanwhile',
    denied:
      'give the state folder to the user of the agent (chown, or StateDirectory=supercargo in the unit)',
    readOnly:
      'look for disk faults (dmesg), mount it writable, or name the folder in ReadWritePaths= of the unit',
    missing: 'create the state folder, or name another one in SUPERCARGO_STATE_DIR',
  },
  'check the state folder and its disk (SUPERCARGO_STATE_DIR, dmesg)',
);
