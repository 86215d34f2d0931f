import { readFileSync } from 'node:fs';

/**
 * How many files and connections this process may have open (proc_pid_limits(5)); 0 if the system does not
 * tell.
 */
export const openFileLimit = (): number => {
  try {
    const [, soft = ''] = /^Max open files\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return Number(soft);
  } catch {
    return 0;
  }
};
