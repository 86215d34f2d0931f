import { BACKOFF, nextDelayMs } from '../core/backoff.ts';
import type { Held } from '../core/ports/manifest-source.ts';
import type { IntakeReader } from './intake.ts';
import type { AgentPorts } from './agent-ports.ts';
import { createWake, delay } from './wake.ts';

/**
 * Keeps one long poll open, so that the agent learns of a publish at once. The ordinary polls go on if the
 * server holds no requests.
 */
export interface Follow {
  /** Whether a long poll is open and the server is known to hold requests: then no poll is needed. */
  readonly isFollowing: () => boolean;
  /** Call after the source was read: a long poll needs a version to compare with. */
  readonly see: () => void;
  /** Settles when the signal aborts; at once if the source cannot be followed. */
  readonly run: (signal: AbortSignal) => Promise<void>;
}

export interface FollowTimes {
  readonly baseMs: number;
  readonly capMs: number;
  /** Time until a server that holds no requests is tried again, as it may have been upgraded. */
  readonly restMs: number;
}

const TIMES: FollowTimes = { ...BACKOFF.manifestSource, restMs: 3_600_000 };
/** A response that took longer was held: no server needs this long for a 304. */
const HELD_MS = 5_000;
/** Quicker responses in a row are slowed down, whatever they say. */
const QUICK_MS = 1_000;
/** This many quick responses with news are not slowed down: two publishes in a second are no fault. */
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
    // Rejects only when the signal aborts.
    run: (signal) => run(signal).catch(() => undefined),
  };
};
