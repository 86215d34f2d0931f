import { nextDelayMs } from '../core/backoff.ts';
import type { Held } from '../core/ports/manifest-source.ts';
import type { IntakeReader } from './intake.ts';
import type { AgentPorts } from './agent-ports.ts';
import { createWake, delay } from './wake.ts';

/** Keeps one long poll open, so that a publish is known at once. Polls go on where the server holds none. */
export interface Follow {
  /** A long poll is open, and the server has shown that it holds them: no poll is needed. */
  readonly isFollowing: () => boolean;
  /** The source was read: there is something now that a change can be told from. */
  readonly see: () => void;
  /** Until the signal aborts; at once where the source can't be followed. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface FollowTimes {
  readonly baseMs: number;
  readonly capMs: number;
  /** Until a server that does not hold requests is tried again: it may have become one that does. */
  readonly restMs: number;
}

const TIMES: FollowTimes = { baseMs: 2_000, capMs: 120_000, restMs: 3_600_000 };
/** An answer that took longer was held: nobody needs as long for a 304. */
const HELD_MS = 5_000;
/** Shorter ones in a row are slowed down, whatever the server says. */
const QUICK_MS = 1_000;
/** … but for so many that bring news: two publishes in a second are no fault. */
const FREE_NEWS = 3;

export const createFollow = (
  { random }: Pick<AgentPorts, 'random'>,
  intake: Pick<IntakeReader, 'hold'>,
  onNews: () => void,
  times: FollowTimes = TIMES,
): Follow => {
  const readable = createWake();
  let isProven = false;
  let isOpen = false;

  const holdOnce = async (signal: AbortSignal): Promise<{ held: Held | undefined; tookMs: number }> => {
    const startedMs = performance.now();
    isOpen = true;
    try {
      const held = await intake.hold(signal);
      return { held, tookMs: performance.now() - startedMs };
    } finally {
      isOpen = false;
    }
  };

  const run = async (signal: AbortSignal): Promise<void> => {
    let troubles = 0;
    const rest = async (floorMs?: number): Promise<void> => {
      troubles += 1;
      await delay(nextDelayMs({ failures: troubles, random: random(), floorMs, ...times }), signal);
    };
    while (!signal.aborted) {
      const { held, tookMs } = await holdOnce(signal);
      if (!held) return;
      if (held.kind === 'document') onNews();
      switch (held.kind) {
        case 'unready':
          isProven = false;
          await readable.sleep(times.restMs, signal);
          break;
        case 'unsupported':
          isProven = false;
          await delay(times.restMs, signal);
          break;
        case 'failed':
          isProven = false;
          await rest(held.retryAfterMs);
          break;
        case 'interrupted':
          isProven ||= tookMs >= HELD_MS;
          break;
        case 'unchanged':
        case 'document':
          isProven = true;
          if (tookMs >= QUICK_MS) troubles = 0;
          else if (held.kind === 'document' && troubles < FREE_NEWS) troubles += 1;
          else await rest();
      }
    }
  };

  return {
    isFollowing: () => isProven && isOpen,
    see: readable.call,
    // Only the abort of the signal rejects.
    run: (signal) => run(signal).catch(() => undefined),
  };
};
