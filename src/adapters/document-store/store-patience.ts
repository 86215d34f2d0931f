import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '../../core/errors.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { HttpAnswer } from '../../io/http.ts';

/** Longer than a database takes to fail over: 20 to 40 s with Patroni's defaults. */
const LONGEST_MS = 60_000;
const PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 10_000;

const UNAVAILABLE = 503;
/** What a proxy answers whose server has ended in the middle of a request; also one with a wrong address. */
const CUT_BEHIND_PROXY: ReadonlySet<number> = new Set([502, 504]);
/** The server goes away or comes back. A name or a certificate that is wrong stays wrong. */
const RESTARTS: ReadonlySet<unknown> = new Set(['ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

export interface Patience {
  /**
   * Sends a request that may be sent twice again while the store is away for a moment: while it answers 503
   * with `Retry-After`, or after it has answered once. A store that was never there fails at once.
   */
  readonly send: (request: () => Promise<HttpAnswer>, signal: AbortSignal) => Promise<HttpAnswer>;
}

/** For a reader that asks again by itself, and says at once that the store is away. */
export const NO_PATIENCE: Patience = { send: async (request) => request() };

const pauseOf = (answer: HttpAnswer | undefined, pauseMs: number): number => {
  const seconds = Number(answer?.header('retry-after') ?? Number.NaN);
  return Number.isFinite(seconds) ? Math.min(Math.max(seconds * 1_000, pauseMs), LONGEST_PAUSE_MS) : pauseMs;
};

/** For all requests to one server. `onWait` is called once for each time that the store is away. */
export const createPatience = (
  onWait: (message: string) => void = () => undefined,
  { longestMs = LONGEST_MS, pauseMs = PAUSE_MS } = {},
): Patience => {
  const state = { hasAnswered: false, isTold: false };
  const tell = (why: string): void => {
    if (!state.isTold)
      onWait(`the store is away (${oneLine(why)}): trying again for up to ${String(longestMs / 1_000)} s`);
    state.isTold = true;
  };
  return {
    send: async (request, signal) => {
      const endMs = performance.now() + longestMs;
      for (;;) {
        let answer: HttpAnswer | undefined;
        try {
          answer = await request();
        } catch (error) {
          signal.throwIfAborted();
          const isRestart = RESTARTS.has((error as NodeJS.ErrnoException).code);
          if (!isRestart || !state.hasAnswered || performance.now() > endMs) throw error;
          tell(messageOf(error));
        }
        if (answer !== undefined) {
          const { status } = answer;
          const isNoAnswer = status === UNAVAILABLE || CUT_BEHIND_PROXY.has(status);
          const comesBack = status === UNAVAILABLE && answer.header('retry-after') !== undefined;
          const isAway = comesBack || (isNoAnswer && state.hasAnswered);
          if (!isAway || performance.now() > endMs) {
            state.hasAnswered ||= !isNoAnswer;
            state.isTold = false;
            return answer;
          }
          tell(`it answers ${String(status)}`);
        }
        await sleep(pauseOf(answer, pauseMs), undefined, { signal });
      }
    },
  };
};
