import * as fc from 'fast-check';
import { expect } from 'vitest';
import { AgentError } from '../../src/core/errors.ts';

/** A few seconds for every target, or as many as whoever runs it asks for (`npm run test:fuzz -- --nightly`). */
export const CASES = Number(process.env['FUZZ_CASES'] ?? 400);

/** Of one case. What takes longer hangs, or would on a document that is a little larger. */
const CPU_LIMIT_MS = 5_000;
/** For all cases of a target together. */
export const PATIENCE_MS = 60_000 + CASES * 60;

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

/** By processor time, which a busy machine does not change. */
const inTime = <T>(run: () => T): T => {
  const startMs = cpuMs();
  const result = run();
  expect(cpuMs() - startMs, 'processor time of one case').toBeLessThan(CPU_LIMIT_MS);
  return result;
};

export const fuzz = <T>(arbitrary: fc.Arbitrary<T>, check: (value: T) => void): void => {
  fc.assert(
    fc.property(arbitrary, (value) => inTime(() => check(value))),
    { numRuns: CASES },
  );
};

/** What is asked through a real server takes ten times as long and more. */
export const fuzzAsync = async <T>(
  arbitrary: fc.Arbitrary<T>,
  check: (value: T) => Promise<void>,
): Promise<void> => {
  await fc.assert(fc.asyncProperty(arbitrary, check), { numRuns: Math.ceil(CASES / 10) });
};

/** The words of a program that stumbles over a value it did not foresee. */
const STUMBLE =
  /cannot read propert|is not a function|is not iterable|cannot convert|undefined|invalid time value|maximum call stack/i;

/** A clear error of ours that says what to do, and that nobody has to look up in the source. */
export const expectClear = (error: unknown): void => {
  expect(error).toBeInstanceOf(AgentError);
  const { code, message, advice } = error as AgentError;
  expect({ code, message, advice }).toEqual({
    code: expect.not.stringMatching(/^INTERNAL$/) as string,
    message: expect.not.stringMatching(STUMBLE) as string,
    advice: expect.stringMatching(/\w/) as string,
  });
};

/** Its value, or undefined where it refuses clearly. */
export const orRefused = async <T>(asked: Promise<T>): Promise<T | undefined> => {
  try {
    return await asked;
  } catch (error) {
    expectClear(error);
    return undefined;
  }
};
