import { describe, expect, it } from 'vitest';
import { neverGreen } from '../../../../src/cli/publishing/interrupted.ts';
import type { Call } from '../../../../src/cli/call.ts';
import type { Io } from '../../../../src/cli/streams.ts';
import { EXIT } from '../../../../src/core/status/exit-code.ts';

const callWith = (signal: AbortSignal): Call => ({ io: {} as Io, signal });
const aborted = (): DOMException => new DOMException('aborted', 'AbortError');

describe('a publish that is interrupted', () => {
  it('is told as such, and is no success', async () => {
    const run = neverGreen(() => Promise.reject(aborted()));
    await expect(run(callWith(AbortSignal.abort()))).rejects.toMatchObject({
      code: 'TIMED_OUT',
      advice: expect.stringContaining('supercargo fleet'),
    });
  });

  it('passes on every other end', async () => {
    const call = callWith(new AbortController().signal);
    expect(await neverGreen(() => Promise.resolve(EXIT.failed))(call)).toBe(EXIT.failed);
    await expect(neverGreen(() => Promise.reject(new Error('x')))(call)).rejects.toThrow('x');
  });
});
