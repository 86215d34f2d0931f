import { AgentError } from '../core/errors.ts';
import type { Status } from '../core/status/status-document.ts';
import type { Agent } from './agent.ts';
import { delay } from './wake.ts';

/** What tells the daemon to look again, and whom it tells that it lives. */
export interface DaemonSurroundings {
  /**
   * One writer per engine and environment; idempotent. @throws AgentError AGENT_RUNNING, or ENGINE_OFFLINE
   */
  readonly claim: () => Promise<void>;
  /** Calls back at every poll time, until the signal aborts. */
  readonly schedule: (onPoll: () => void, signal: AbortSignal) => void;
  /**
   * Calls back when compose, trust or a `file:` manifest changed. Asked anew whenever files were read, with
   * the same callback; what is watched already stays. The answer ends all of it.
   */
  readonly watchFiles: (onChange: () => void) => () => void;
  /** Settles when the stream of events ends. */
  readonly watchEngine: (onEvent: () => void, signal: AbortSignal) => Promise<void>;
  /** After the first look. */
  readonly onReady: () => void;
  /** After every pass: the loop makes progress. */
  readonly onPass: (status: Status) => void;
  /** Asked at the end: whether no other life follows this one at once, as after a reload. */
  readonly isLast: () => boolean;
  /** The loop looks at least so often, whatever happens. */
  readonly longestSleepMs: number;
}

/** Events come in bursts (die, stop, destroy …): one look for all of them. */
const BURST_MS = 20;
/** For the manifest, before the host is looked at without it. */
const PATIENCE_MS = 50;
const STREAM_PAUSE_MS = 1_000;
/** The end does not wait longer for somebody to be told. */
const LAST_REPORT_MS = 1_500;

/**
 * The daemon: looks whenever something may have changed, until the signal aborts. Steps under way are let go,
 * not undone.
 */
export const runDaemon = async (
  agent: Agent,
  refresh: Refresh,
  s: DaemonSurroundings,
  signal: AbortSignal,
): Promise<void> => {
  const besides = [followEngine(agent, s, signal), agent.follow.run(signal), agent.reporting.run(signal)];
  s.schedule(() => {
    void refresh.all(false);
  }, signal);
  refresh.watch();
  void refresh.all(true);
  let isReady = false;
  while (!signal.aborted) {
    const status = await passAsWriter(agent, s, signal);
    if (!isReady && !signal.aborted) {
      isReady = true;
      s.onReady();
    }
    s.onPass(status);
    agent.reporting.see(status);
    await agent.wake.sleep(sleepMs(agent, s), signal);
    const { notBeforeMs, failure } = agent.intake.state().source;
    if (failure && Date.now() >= notBeforeMs) void refresh.all(false);
  }
  refresh.close();
  await agent.reconciler.close(3_000);
  await Promise.all(besides);
  // Whoever waits for this host learns now what it could only guess from silence.
  if (s.isLast()) agent.end();
  await agent.reporting.close(LAST_REPORT_MS);
};

/**
 * The lock is keyed by the engine: while that is away nobody can have it, and without it this agent only
 * looks.
 */
const passAsWriter = async (agent: Agent, s: DaemonSurroundings, signal: AbortSignal): Promise<Status> => {
  try {
    await s.claim();
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'AGENT_RUNNING') throw error;
    await agent.look(signal);
    return agent.status();
  }
  return agent.pass(signal);
};

const sleepMs = (agent: Agent, s: DaemonSurroundings): number => {
  const { source } = agent.intake.state();
  const times = [
    agent.reconciler.view().plan?.nextAtMs,
    source.failure ? source.notBeforeMs : undefined,
    agent.reconciler.view().offline ? Date.now() + STREAM_PAUSE_MS : undefined,
  ].filter((t) => t !== undefined);
  // A time that has passed while a step is under way is no reason to spin.
  return Math.max(10, Math.min(s.longestSleepMs, ...times.map((t) => t - Date.now())));
};

/**
 * Reads files and manifest, never twice at the same time; a call that comes meanwhile is answered by one more
 * round.
 */
export const createRefresh = (
  agent: Agent,
  s: Pick<DaemonSurroundings, 'watchFiles'>,
  signal: AbortSignal,
) => {
  let running: Promise<void> | undefined;
  let isWanted: { isForced: boolean } | undefined;
  let unwatch: (() => void) | undefined;

  const round = async (): Promise<void> => {
    while (isWanted && !signal.aborted) {
      const { isForced } = isWanted;
      isWanted = undefined;
      await agent.intake.readFiles(signal);
      watch();
      const isDue = !agent.follow.isFollowing() && Date.now() >= agent.intake.state().source.notBeforeMs;
      const fetched = isForced || isDue ? agent.intake.fetch(signal) : Promise.resolve();
      // One pass for both, but it must not wait for a slow manifest server.
      const patience = setTimeout(() => agent.wake.call(), PATIENCE_MS);
      await fetched.finally(() => clearTimeout(patience));
      agent.follow.see();
      agent.wake.call();
    }
  };

  const watch = (): void => {
    unwatch = s.watchFiles(() => {
      void all(true);
    });
  };

  /** `isForced`: the manifest source is asked although its back-off has not ended. */
  const all = (isForced: boolean): Promise<void> => {
    isWanted = { isForced: isForced || (isWanted?.isForced ?? false) };
    running ??= round()
      // Only the abort of the signal rejects: the agent ends.
      .catch(() => undefined)
      .finally(() => {
        running = undefined;
      });
    return running;
  };

  return { all, watch, close: (): void => unwatch?.() };
};

export type Refresh = ReturnType<typeof createRefresh>;

const followEngine = async (agent: Agent, s: DaemonSurroundings, signal: AbortSignal): Promise<void> => {
  let burst: NodeJS.Timeout | undefined;
  const onEvent = (): void => {
    burst ??= setTimeout(() => {
      burst = undefined;
      agent.wake.call();
    }, BURST_MS);
  };
  while (!signal.aborted) {
    // A stream that can't be opened or tears is opened again; the polls go on meanwhile.
    await s.watchEngine(onEvent, signal).catch(() => undefined);
    if (signal.aborted) break;
    agent.wake.call();
    await delay(STREAM_PAUSE_MS, signal);
  }
  clearTimeout(burst);
};
