import { describe, expect, it } from 'vitest';
import { neverGreen } from '../../../../src/cli/publishing/interrupted.ts';
import { EXIT } from '../../../../src/core/status/exit-code.ts';

const aborted = (): DOMException => new DOMException('aborted', 'AbortError');

describe('a publish that is interrupted', () => {
  it('is told as such, and is no success', async () => {
    const signal = AbortSignal.abort();
    await expect(neverGreen(Promise.reject(aborted()), signal)).rejects.toMatchObject({
      code: 'TIMED_OUT',
      advice: expect.stringContaining('supercargo fleet'),
    });
  });

  it('passes on every other end', async () => {
    const { signal } = new AbortController();
    expect(await neverGreen(Promise.resolve(EXIT.failed), signal)).toBe(EXIT.failed);
    await expect(neverGreen(Promise.reject(new Error('x')), signal)).rejects.toThrow('x');
  });
});
