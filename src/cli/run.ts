import type { Command as Program } from 'commander';
import * as v from 'valibot';
import { watchPaths } from '../adapters/compose/watch.ts';
import { createLog } from '../adapters/log.ts';
import { schedulePolls } from '../adapters/schedule.ts';
import { serveStatus, type Routes } from '../adapters/status-socket/server.ts';
import { createSystemd, type Systemd } from '../adapters/systemd.ts';
import type { Agent } from '../agent/agent.ts';
import { createRefresh, runDaemon, type DaemonSurroundings, type Refresh } from '../agent/daemon.ts';
import { readConfig, readSurroundings, type Config } from '../config.ts';
import type { Command } from '../core/command.ts';
import { AgentError } from '../core/errors.ts';
import type { EventLog } from '../core/events.ts';
import { EXIT, type ExitCode } from '../core/status/exit-code.ts';
import { VERSION } from '../version.ts';
import type { Cli } from './cli.ts';
import { explainNow } from './explain.ts';
import type { Io } from './io.ts';
import { wireAgent, type Wired } from './wire.ts';

const HELP = `
Example:
  supercargo run       the daemon; systemd starts it (systemctl start supercargo)

SIGTERM ends it within seconds and leaves every container as it is; SIGHUP reads compose, trust and manifest again.`;

/** Without systemd's watchdog the loop still looks at least so often. */
const LONGEST_SLEEP_MS = 60_000;
/** A change of Chef's files is acted on once things have been quiet for so long: it writes file by file. */
const QUIET_MS = 500;
/** A manifest is replaced in one step. */
const MANIFEST_QUIET_MS = 20;

const runAgent = async (io: Io, signal: AbortSignal): Promise<ExitCode> => {
  const config = readConfig(io.env, readSurroundings());
  const log = await createLog({ ...config.log, environment: config.environment });
  const wired = wireAgent(config, { log, dryRun: false, daemonPid: io.pid });
  const systemd = createSystemd({
    ...config.systemd,
    pid: io.pid,
    path: config.path,
    onFailure: (message) => log.write('warn', 'agent.warned', { message }),
  });
  for (const message of config.warnings) log.write('warn', 'agent.warned', { message });
  const ended = new AbortController();
  const all = AbortSignal.any([signal, ended.signal]);
  const { agent } = wired;
  const surroundings = surroundingsOf(config, wired, systemd, log);
  const refresh = createRefresh(agent, surroundings, all);
  const server = await serveStatus(config.socketPath, routesOf(config.environment, agent, refresh));
  const onHangup = (): void =>
    void systemd
      .reloading()
      .then(() => refresh.all(true))
      .then(() => systemd.ready());
  process.on('SIGHUP', onHangup);
  try {
    const failure = await agent.open(all);
    if (failure) log.write('error', 'ledger.failed', { message: failure.message, advice: failure.advice });
    log.write('info', 'agent.started', { version: VERSION, host: config.host, pid: io.pid });
    await runDaemon(agent, refresh, surroundings, all);
  } finally {
    process.off('SIGHUP', onHangup);
    ended.abort();
    await Promise.all([server.close(), systemd.stopping(), wired.release()]);
    log.write('info', 'agent.stopped');
  }
  return EXIT.ok;
};

const surroundingsOf = (
  config: Config,
  wired: Wired,
  systemd: Systemd,
  log: EventLog,
): DaemonSurroundings => {
  const { agent, ports, claim, watched } = wired;
  const interval = systemd.watchdogIntervalMs;
  let lastStatus = '';
  let fedAtMs = 0;
  return {
    claim,
    schedule: (onPoll, signal) => schedulePolls(config.pollCron, config.host, onPoll, signal),
    watchFiles: (onChange) => {
      const { manifest, ...chefs } = watched();
      const watches = [
        watchPaths(chefs, onChange, QUIET_MS),
        ...(manifest === undefined
          ? []
          : [watchPaths({ files: [manifest], folders: [] }, onChange, MANIFEST_QUIET_MS)]),
      ];
      return () => {
        for (const watch of watches) watch.close();
      };
    },
    watchEngine: ports.engine.watch,
    longestSleepMs: Math.min(LONGEST_SLEEP_MS, interval ?? LONGEST_SLEEP_MS),
    onReady: () => void systemd.ready(),
    onPass: () => {
      const { outcome, manifest, services } = agent.status();
      const text = `${outcome}: ${String(services.length)} services, manifest ${String(manifest.serial ?? 'none')}`;
      if (text !== lastStatus) void systemd.status(text);
      lastStatus = text;
      log.write('debug', 'tick.ended', { outcome });
      if (interval !== undefined && Date.now() - fedAtMs >= interval / 2) {
        fedAtMs = Date.now();
        void systemd.watchdog();
      }
    },
  };
};

const time = v.nullable(v.pipe(v.number(), v.safeInteger(), v.minValue(0)));
const commandSchema = v.variant('kind', [
  v.strictObject({
    kind: v.literal('pause'),
    reason: v.string(),
    owner: v.string(),
    untilMs: time,
    all: v.boolean(),
  }),
  v.strictObject({ kind: v.literal('resume') }),
  v.strictObject({ kind: v.literal('retry'), service: v.string() }),
  v.strictObject({ kind: v.literal('recover'), serial: time, dryRun: v.boolean() }),
]);

const parseCommand = (body: unknown): Command => {
  const parsed = v.safeParse(commandSchema, body);
  if (parsed.success) return parsed.output;
  throw new AgentError('USAGE', 'the agent does not know this command', {
    advice: 'use the supercargo of the same version as the agent',
  });
};

const routesOf = (environment: string, agent: Agent, refresh: Refresh): Routes => ({
  'GET /status': () => Promise.resolve(agent.status()),
  'GET /explain': async (_body, signal) => {
    const input = await agent.inputNow(signal);
    return { document: input ? explainNow(environment, agent, input) : null };
  },
  'POST /command': (body) => agent.operate(parseCommand(body)),
  'POST /sync': async () => {
    await refresh.all(true);
    return agent.status();
  },
  'POST /sync-and-wait': async (_body, signal) => {
    await refresh.all(true);
    await agent.settled(signal);
    return agent.status();
  },
});

export const addRun = (program: Program, { io, run }: Cli): void => {
  program
    .command('run')
    .description('the daemon')
    .addHelpText('after', HELP)
    .action(() => run((signal) => runAgent(io, signal)));
};
