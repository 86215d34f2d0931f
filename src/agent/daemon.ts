import { AgentError } from '../core/errors.ts';
import type { Status } from '../core/status/status-document.ts';
import type { Agent } from './agent.ts';
import { delay } from './wake.ts';

/** What wakes the daemon, and what the daemon notifies. */
export interface DaemonSurroundings {
  /**
   * Takes the lock of the one writer per engine and environment; idempotent.
   * @throws AgentError AGENT_RUNNING or ENGINE_OFFLINE
   */
  readonly claim: () => Promise<void>;
  /** Calls back at every poll time, until the signal aborts. */
  readonly schedule: (onPoll: () => void, signal: AbortSignal) => void;
  /**
   * Calls back when a compose file, the trust file or a `file:` manifest changed. The daemon calls this again
   * after each read of the files; paths that are watched already stay watched. The returned function ends
   * every watch.
   */
  readonly watchFiles: (onChange: () => void) => () => void;
  /** Settles when the event stream ends. */
  readonly watchEngine: (onEvent: () => void, signal: AbortSignal) => Promise<void>;
  /** Called after the first pass. */
  readonly onReady: () => void;
  /** Called after every pass, as a sign of life. */
  readonly onPass: (status: Status) => void;
  /** Called at shutdown: false if the daemon starts again at once, as after a reload. */
  readonly isLast: () => boolean;
  /** The longest time between two passes. */
  readonly longestSleepMs: number;
}

/** Events come in bursts (die, stop, destroy …); one pass serves all of them. */
const BURST_MS = 20;
/** How long a pass waits for the manifest source before it goes on without a new manifest. */
const PATIENCE_MS = 50;
const STREAM_PAUSE_MS = 1_000;
/** How long shutdown waits for the last report. */
const LAST_REPORT_MS = 1_500;

/**
 * Makes a pass whenever something may have changed, until the signal aborts. Steps in progress are abandoned,
 * not undone.
 */
export const runDaemon = async (
  agent: Agent,
  refresh: Refresh,
  s: DaemonSurroundings,
  signal: AbortSignal,
): Promise<void> => {
  const besides = [
    followEngine(agent, s, signal),
    agent.follow.run(signal),
    agent.reporting.run(signal),
    agent.turns.run(signal, () => void refresh.all(true)),
  ];
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
  // Otherwise a waiting publisher could only infer from missing reports that this agent has ended.
  if (s.isLast()) agent.end();
  await agent.reporting.close(LAST_REPORT_MS);
  await agent.flushHistory();
};

/**
 * The lock's name contains the engine's id, so an offline engine means no lock; without the lock the agent
 * only observes.
 */
const passAsWriter = async (agent: Agent, s: DaemonSurroundings, signal: AbortSignal): Promise<Status> => {
  try {
    await s.claim();
  } catch (error) {
    if (!(error instanceof AgentError) || error.code === 'AGENT_RUNNING') throw error;
    await agent.observe(signal);
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
  // At least 10 ms: a time that passed while a step is in progress must not make the loop spin.
  return Math.max(10, Math.min(s.longestSleepMs, ...times.map((t) => t - Date.now())));
};

/** Reads files and manifest, one read at a time. A call during a read causes one more read. */
export const createRefresh = (
  agent: Agent,
  s: Pick<DaemonSurroundings, 'watchFiles'>,
  signal: AbortSignal,
) => {
  let running: Promise<void> | undefined;
  let pending: { isForced: boolean } | undefined;
  let unwatch: (() => void) | undefined;

  const round = async (): Promise<void> => {
    while (pending && !signal.aborted) {
      const { isForced } = pending;
      pending = undefined;
      await agent.intake.readFiles(signal);
      watch();
      const isDue = !agent.follow.isFollowing() && Date.now() >= agent.intake.state().source.notBeforeMs;
      const fetched = isForced || isDue ? agent.intake.fetch(signal) : Promise.resolve();
      // Files and manifest share one pass, but a slow manifest server must not delay it.
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

  /** `isForced` asks the manifest source even during its back-off or a long poll. */
  const all = (isForced: boolean): Promise<void> => {
    pending = { isForced: isForced || (pending?.isForced ?? false) };
    running ??= round()
      // Rejects only when the signal aborts.
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
    // A failed stream is opened again; the polls go on meanwhile.
    await s.watchEngine(onEvent, signal).catch(() => undefined);
    if (signal.aborted) break;
    agent.wake.call();
    await delay(STREAM_PAUSE_MS, signal);
  }
  clearTimeout(burst);
};
