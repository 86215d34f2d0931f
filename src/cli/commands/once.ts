import { reconcileOnce } from '../../agent/once.ts';
import { readHostConfig } from '../wiring/host-config.ts';
import { AgentError } from '../../core/errors.ts';
import { exitCodeOf, type ExitCode } from '../../core/status/exit-code.ts';
import type { Call } from '../call.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';
import { createNarrator, createQuietLog } from '../terminal/narrator.ts';
import { formatPull, renderStatus } from '../render/status-text.ts';
import { wireAgent, type Wired } from '../wiring/wire-agent.ts';

export const run = async ({ io, signal }: Call, options: { json?: boolean }): Promise<ExitCode> => {
  const config = readHostConfig(io.env);
  const log = options.json === true ? createQuietLog() : createNarrator(io);
  for (const warning of config.warnings) log.write('warn', 'agent.warned', { message: warning });
  const wired = wireAgent(config, { log, dryRun: false, daemonPid: undefined });
  const { agent } = wired;
  const failure = await agent.open(signal);
  if (failure) throw failure;
  const [problem] = agent.intake.state().composeProblems;
  if (problem) throw new AgentError('COMPOSE', problem.message, { advice: problem.advice });
  const { trustProblem } = agent.intake.state();
  if (trustProblem) throw new AgentError('TRUST', trustProblem.message, { advice: trustProblem.advice });
  const stopShowing = options.json === true ? undefined : showPulls(wired, io);
  try {
    await reconcile(wired, signal);
  } finally {
    stopShowing?.();
    await agent.flushHistory();
  }
  const status = agent.status();
  if (options.json === true) writeJson(io, status);
  else io.stdout.write(renderStatus(status, terminalOf(io), Date.now()));
  return exitCodeOf(status, false);
};

const SHOW_EVERY_MS = 200;
const ERASE_LINE = '\r\u001B[K';

/** Shows the progress of pulls in one line, on a terminal only. */
const showPulls = ({ agent }: Wired, io: Io): (() => void) | undefined => {
  if (terminalOf(io).columns === undefined) return undefined;
  const timer = setInterval(() => {
    const pulls = [...agent.reconciler.progress()].map(([service, p]) => `${service}: ${formatPull(p)}`);
    if (pulls.length > 0) io.stdout.write(`${ERASE_LINE}${pulls.join(' · ')}\r`);
  }, SHOW_EVERY_MS);
  return () => {
    clearInterval(timer);
    io.stdout.write(ERASE_LINE);
  };
};

/** The lock needs the engine's id. Without the engine there is nothing to change: only observes. */
const reconcile = async ({ agent, ports, claim, release }: Wired, signal: AbortSignal): Promise<void> => {
  try {
    await claim();
  } catch (error) {
    if (!(error instanceof AgentError) || error.code !== 'ENGINE_OFFLINE') throw error;
    await agent.observe(signal);
    return;
  }
  try {
    await reconcileOnce(agent, (s) => ports.engine.watch(agent.wake.call, s), signal);
  } finally {
    await release();
  }
};
