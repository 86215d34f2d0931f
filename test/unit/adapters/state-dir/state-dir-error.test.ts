import { describe, expect, it } from 'vitest';
import { stateDirError } from '../../../../src/adapters/state-dir/state-dir-error.ts';

describe('errors of the state folder', () => {
  it.each([
    ['ENOSPC', 'no space is left', 'later'],
    ['EDQUOT', 'no space is left', 'later'],
    ['EACCES', 'permission denied', 'changed'],
    ['EPERM', 'permission denied', 'changed'],
    ['EROFS', 'the file system is read-only', 'changed'],
    ['ENOENT', 'the folder does not exist', 'changed'],
    ['EIO', 'EIO: as the system says', 'later'],
  ])('%s', (code, words, retry) => {
    const cause = Object.assign(new Error(`${code}: as the system says`), { code });
    const error = stateDirError(cause, 'write /s/a');
    expect(error).toMatchObject({
      code: 'STATE_DIR',
      message: `cannot write /s/a: ${words}`,
      retry,
      cause,
      fields: { code },
    });
    expect(error.advice).toMatch(/disk|folder/);
  });
});
