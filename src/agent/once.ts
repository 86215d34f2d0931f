import type { Agent } from './agent.ts';

const LONGEST_SLEEP_MS = 1_000;
/** How long `once` waits for the last report. */
const LAST_REPORT_MS = 5_000;

/**
 * Reconciles once: waits for steps, health, jobs and one answer about its turns, not for phases, holds or
 * back-offs. Settles when nothing
 * more happens by itself.
 */
export const reconcileOnce = async (
  agent: Agent,
  watchEngine: (signal: AbortSignal) => Promise<void>,
  signal: AbortSignal,
): Promise<void> => {
  await agent.settleLedger(signal);
  await agent.intake.fetch(signal);
  const events = new AbortController();
  const both = AbortSignal.any([signal, events.signal]);
  const watching = watchEngine(both).catch(() => undefined);
  let asking: Promise<void> | undefined;
  try {
    while (!signal.aborted) {
      await agent.pass(signal);
      const { offline } = agent.reconciler.view();
      if (offline && !agent.reconciler.busy().length) break;
      if (agent.turns.isOpen()) asking ??= askForTurns(agent, both);
      else if (agent.reconciler.isSettled()) break;
      const next = agent.reconciler.view().plan?.nextAtMs;
      const untilMs = next === undefined ? LONGEST_SLEEP_MS : Math.max(1, next - Date.now());
      await agent.wake.sleep(Math.min(LONGEST_SLEEP_MS, untilMs), signal);
    }
  } finally {
    events.abort();
    await Promise.all([watching, asking]);
    await agent.reconciler.close(5_000);
    agent.turns.end();
    agent.reporting.see(agent.status());
    await agent.reporting.close(LAST_REPORT_MS);
  }
};

/** The store answers by a host's last report, so it gets one of this run first. */
const askForTurns = async (agent: Agent, signal: AbortSignal): Promise<void> => {
  agent.reporting.see(agent.status());
  await agent.reporting.close(LAST_REPORT_MS);
  await agent.turns.run(signal, () => void agent.intake.fetch(signal).catch(() => undefined));
};
