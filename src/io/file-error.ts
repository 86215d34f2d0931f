import { AgentError, messageOf, type Retry } from '../core/errors.ts';
import type { ErrorCode } from '../core/vocabulary/error-codes.ts';

interface Cause {
  readonly codes: readonly string[];
  readonly text: string;
  readonly retry: Retry;
}

type Kind = 'full' | 'denied' | 'readOnly' | 'missing' | 'tooManyOpen';

const CAUSES: Readonly<Record<Kind, Cause>> = {
  full: { codes: ['ENOSPC', 'EDQUOT'], text: 'no space is left', retry: 'later' },
  denied: { codes: ['EACCES', 'EPERM'], text: 'permission denied', retry: 'changed' },
  readOnly: { codes: ['EROFS'], text: 'the file system is read-only', retry: 'changed' },
  missing: { codes: ['ENOENT', 'ENOTDIR'], text: 'the folder does not exist', retry: 'changed' },
  tooManyOpen: { codes: ['EMFILE', 'ENFILE'], text: 'too many files are open', retry: 'later' },
};

/**
 * Makes the errors of one folder's files. `advice` says what to do about each cause; a cause without advice
 * keeps the system's text and gets `otherwise`. `action` completes "cannot …", e.g. "write /data/a.json".
 */
export const fileErrors =
  (code: ErrorCode, advice: Readonly<Partial<Record<Kind, string>>>, otherwise: string) =>
  (error: unknown, action: string): AgentError => {
    const systemCode = (error as NodeJS.ErrnoException).code ?? '';
    const entries = Object.entries(advice) as readonly (readonly [Kind, string])[];
    const [kind, known] = entries.find(([each]) => CAUSES[each].codes.includes(systemCode)) ?? [];
    const { text, retry } = kind ? CAUSES[kind] : { text: messageOf(error), retry: 'later' as const };
    return new AgentError(code, `cannot ${action}: ${text}`, {
      cause: error,
      retry,
      advice: known ?? otherwise,
      ...(systemCode === '' ? {} : { fields: { code: systemCode } }),
    });
  };
