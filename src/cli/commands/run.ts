import { watchPaths, type PathWatch } from '../../adapters/compose/watch-paths.ts';
import { createLog } from '../../adapters/log.ts';
import { schedulePolls } from '../../adapters/schedule.ts';
import { serveStatus } from '../../adapters/status-socket/status-server.ts';
import { createSystemd, type Systemd } from '../../adapters/systemd.ts';
import { createRefresh, runDaemon, type DaemonSurroundings } from '../../agent/daemon.ts';
import { readConfig, type Config } from '../../config/agent-config.ts';
import { parseCron } from '../../config/cron.ts';
import { readSurroundings } from '../../config/host-facts.ts';
import { toAgentError } from '../../core/errors.ts';
import type { EventLog } from '../../core/events.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { readHostConfig } from '../wiring/host-config.ts';
import { VERSION } from '../version.ts';
import type { Call } from '../call.ts';
import type { Io } from '../streams.ts';
import { routesOf } from '../wiring/socket-routes.ts';
import { count } from '../terminal/units.ts';
import { wireAgent, type Wired } from '../wiring/wire-agent.ts';

/** The longest time between two passes; systemd's watchdog may shorten it. */
const LONGEST_SLEEP_MS = 60_000;
/** How long Chef's files must stay unchanged before the agent reads them: Chef writes file by file. */
const QUIET_MS = 500;
/** Shorter, because a manifest is replaced in one step. */
const MANIFEST_QUIET_MS = 20;

/** Runs the agent with one configuration, until its end or until a reload finds a valid new one. */
const live = async (io: Io, config: Config, signal: AbortSignal): Promise<'ended' | 'reload'> => {
  const ended = new AbortController();
  const opening = createLog({ ...config.log, environment: config.environment });
  // Listens as soon as the configuration is read. A reload waits for the log, so `systemd` exists by then.
  const reload = async (): Promise<void> => {
    if (!isNextValid(io, await opening)) return;
    void systemd.reloading();
    ended.abort();
  };
  const onHangup = (): void => void reload();
  process.on('SIGHUP', onHangup);
  const log = await opening;
  const wired = wireAgent(config, { log, dryRun: false, daemonPid: io.pid });
  const systemd = createSystemd({
    ...config.systemd,
    pid: io.pid,
    path: config.path,
    onFailure: (message) => log.write('warn', 'agent.warned', { message }),
  });
  for (const message of config.warnings) log.write('warn', 'agent.warned', { message });
  const all = AbortSignal.any([signal, ended.signal]);
  const { agent } = wired;
  const surroundings = {
    ...surroundingsOf(config, wired, systemd, log),
    isLast: () => signal.aborted,
  };
  const refresh = createRefresh(agent, surroundings, all);
  const server = await serveStatus(config.socketPath, routesOf(config.environment, agent, refresh));
  try {
    const failure = await agent.open(all);
    if (failure) log.write('error', 'ledger.failed', { message: failure.message, advice: failure.advice });
    log.write('info', 'agent.started', { version: VERSION, host: config.host, pid: io.pid });
    await runDaemon(agent, refresh, surroundings, all);
  } catch (error) {
    // An abort by the end or a reload is no failure.
    if (!all.aborted) throw error;
  } finally {
    process.off('SIGHUP', onHangup);
    const isReload = ended.signal.aborted;
    ended.abort();
    await Promise.all([server.close(), isReload ? undefined : systemd.stopping(), wired.release()]);
    log.write('info', isReload ? 'agent.reloaded' : 'agent.stopped');
  }
  return signal.aborted ? 'ended' : 'reload';
};

/** Logs an invalid new configuration; the agent then keeps the old one. */
const isNextValid = (io: Io, log: EventLog): boolean => {
  try {
    readConfig(io.readEnvironment(), readSurroundings());
    return true;
  } catch (error) {
    log.write('error', 'agent.warned', { message: toAgentError(error).message });
    return false;
  }
};

export const run = async ({ io, signal }: Call): Promise<ExitCode> => {
  // Covers the time between two calls of live(), because SIGHUP without a listener ends the program.
  process.on('SIGHUP', () => undefined);
  let config = readHostConfig(io.env);
  while ((await live(io, config, signal)) === 'reload')
    config = readConfig(io.readEnvironment(), readSurroundings());
  return EXIT.ok;
};

/**
 * Keeps the open watches while the files are the same, as in most polls, so that no change is missed in
 * between.
 */
const createFileWatch = (watched: Wired['watched']): DaemonSurroundings['watchFiles'] => {
  let key = '';
  let open: readonly PathWatch[] = [];
  const close = (): void => {
    for (const watch of open) watch.close();
  };
  return (onChange) => {
    const targets = watched();
    const next = JSON.stringify(targets);
    if (next === key) return close;
    close();
    key = next;
    const { manifest, ...chefs } = targets;
    const manifests = manifest === undefined ? [] : [{ files: [manifest], folders: [] }];
    open = [
      watchPaths(chefs, onChange, QUIET_MS),
      ...manifests.map((m) => watchPaths(m, onChange, MANIFEST_QUIET_MS)),
    ];
    return close;
  };
};

const surroundingsOf = (
  config: Config,
  wired: Wired,
  systemd: Systemd,
  log: EventLog,
): Omit<DaemonSurroundings, 'isLast'> => {
  const { ports, claim, watched } = wired;
  const interval = systemd.watchdogIntervalMs;
  let lastStatus = '';
  // Monotonic, because a clock that is set back must not starve the watchdog.
  let fedAtMs = Number.NEGATIVE_INFINITY;
  return {
    claim,
    schedule: (onPoll, signal) => schedulePolls(parseCron(config.pollCron), config.host, onPoll, signal),
    watchFiles: createFileWatch(watched),
    watchEngine: ports.engine.watch,
    longestSleepMs: Math.min(LONGEST_SLEEP_MS, interval ?? LONGEST_SLEEP_MS),
    onReady: () => void systemd.ready(),
    onPass: ({ outcome, manifest, services }) => {
      const text = `${outcome}: ${count(services.length, 'service')}, manifest ${manifest.serial ?? 'none'}`;
      if (text !== lastStatus) void systemd.status(text);
      lastStatus = text;
      log.write('debug', 'tick.ended', { outcome });
      if (interval !== undefined && performance.now() - fedAtMs >= interval / 2) {
        fedAtMs = performance.now();
        void systemd.watchdog();
      }
    },
  };
};
