import { eventually } from './poll.ts';

/** The body of a 2xx answer without its last newline; undefined where nobody answers or the answer is another. */
export const tryAnswer = async (port: number, path = '/'): Promise<string | undefined> => {
  try {
    const response = await fetch(`http://127.0.0.1:${String(port)}${path}`, {
      signal: AbortSignal.timeout(5_000),
      headers: { connection: 'close' },
    });
    const body = await response.text();
    return response.ok ? body.trimEnd() : undefined;
  } catch {
    return undefined;
  }
};

/** Waits until the web app of the tests answers with this version. */
export const untilAnswers = async (port: number, version: string, deadlineMs = 30_000): Promise<void> => {
  await eventually(async () => (await tryAnswer(port)) === version, {
    deadlineMs,
    describe: async () =>
      `port ${String(port)} answers ${version}, it says ${(await tryAnswer(port)) ?? 'nothing'}`,
  });
};
