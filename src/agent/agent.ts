import { randomUUID } from 'node:crypto';
import type { Command, CommandAnswer } from '../core/operator-command.ts';
import { toAgentError, type AgentError } from '../core/errors.ts';
import type { PlanInput } from '../core/plan/plan-input.ts';
import { withDoneJobs } from '../core/state/fleet-jobs.ts';
import type { Status } from '../core/status/status-document.ts';
import { createFollow } from './long-poll.ts';
import { createIntake } from './intake.ts';
import { createRecorder, SILENT_RECORDER } from './recorder.ts';
import { operate } from './handle-command.ts';
import type { AgentOptions, AgentPorts } from './agent-ports.ts';
import { createReconciler } from './reconciler.ts';
import { createRecord } from './ledger-record.ts';
import { buildStatus } from './build-status.ts';
import { createTurns } from './turns.ts';
import { createDeployCounter, createReporting } from './reporters.ts';
import { createWake } from './wake.ts';

export interface Identity {
  readonly running: boolean;
  readonly version: string;
  readonly pid: number | null;
}

/**
 * The agent of one environment on one host. With `dryRun` it only observes, for `plan`, and for `status` and
 * `explain` where no daemon runs.
 */
export const createAgent = (
  ports: AgentPorts,
  options: AgentOptions,
  identity: Identity,
  dryRun: boolean,
) => {
  const wake = createWake();
  const record = createRecord(ports.ledger, options.environment);
  const { recorder, counts } = createDeployCounter(createRecorder(ports));
  const intake = createIntake(ports, options, record, dryRun ? SILENT_RECORDER : recorder, dryRun);
  const turns = createTurns({
    mode: options.turns ?? 'manifest',
    source: ports.turns,
    life: randomUUID(),
    now: ports.now,
    elapsed: () => performance.now(),
    random: ports.random,
    host: () => {
      const { actual } = reconciler.view();
      return actual && { serial: intake.state().manifest?.serial ?? 0, engine: actual.engine.id };
    },
    isBusy: (service) => reconciler.isBusy(service),
    onNews: wake.call,
    onGranted: (services) => {
      for (const service of services) recorder.write('info', 'turn.granted', { service });
    },
    // It counts even if the disk refuses it: the store says it again to a later life.
    onDone: (jobs) => void record.force((l) => withDoneJobs(l, jobs, ports.now())).then(wake.call),
  });
  const reconciler = createReconciler(ports, options, intake, record, recorder, turns, wake.call);
  const follow = createFollow(ports, intake, wake.call);
  const startedAtMs = ports.now();
  const passed: (() => void)[] = [];
  let isRunning = identity.running;
  const outcomeTimes = new Map<string, { key: string; sinceMs: number }>();

  /** When a service's outcome became `key`. */
  const since = (service: string, key: string): number => {
    const known = outcomeTimes.get(service);
    if (known?.key === key) return known.sinceMs;
    const sinceMs = ports.now();
    outcomeTimes.set(service, { key, sinceMs });
    return sinceMs;
  };

  const status = (): Status =>
    buildStatus({
      environment: options.environment,
      host: options.host,
      labels: options.labels ?? {},
      nowMs: ports.now(),
      agent: { ...identity, running: isRunning, sinceMs: isRunning ? startedAtMs : null },
      view: reconciler.view(),
      underWay: turns.underWay(),
      intake: intake.state(),
      ledger: record.current(),
      trouble: record.trouble(),
      progress: reconciler.progress(),
      report: reporting.state(),
      turns: dryRun ? undefined : turns.state(),
      since,
    });

  const reporting = createReporting({ ports, host: options.host, status, nextSeq: turns.nextSeq }, counts);

  let before: ReadonlyMap<string, string> = new Map();
  /** Records the outcomes that changed since the last pass. */
  const noteOutcomes = ({ services }: Status): void => {
    const now = new Map(services.map((s) => [s.service, `${s.outcome} ${s.reason ?? ''}`]));
    for (const s of services) {
      if (before.get(s.service) === now.get(s.service) || s.outcome === 'progressing') continue;
      const fields = { service: s.service, outcome: s.outcome, reason: s.reason, message: s.message };
      const level = s.outcome === 'blocked' || s.outcome === 'rolled-back' ? 'error' : 'info';
      recorder.write(level, 'outcome.changed', fields);
    }
    const settled = services.filter((s) => s.outcome !== 'progressing').map((s) => s.service);
    before = new Map(
      [...now].map(([name, key]) => [name, settled.includes(name) ? key : (before.get(name) ?? key)]),
    );
  };

  const jobsOf = (service: string): readonly string[] =>
    intake
      .state()
      .project?.services[service]?.dependsOn.filter((d) => d.condition === 'completed')
      .map((d) => d.service) ?? [];

  return {
    wake,
    record,
    intake,
    reconciler,
    follow,
    reporting,
    turns,
    status,

    /** Reads ledger and files. Returns why the ledger could not be read; the agent goes on without it. */
    open: async (signal: AbortSignal): Promise<AgentError | undefined> => {
      let failure: AgentError | undefined;
      try {
        await record.load();
      } catch (error) {
        failure = toAgentError(error);
        record.fail(failure);
      }
      await intake.readFiles(signal);
      return failure;
    },

    /** From now on the status says that no agent runs on this host. */
    end: (): void => {
      isRunning = false;
      turns.end();
      reporting.see(status());
    },

    /** Observes, plans and starts the next steps. Returns the status after that. */
    pass: async (signal: AbortSignal): Promise<Status> => {
      const wasUndecided = record.isUndecided();
      await reconciler.pass(signal);
      if (wasUndecided && !record.isUndecided()) {
        await intake.judge();
        wake.call();
      }
      const now = status();
      noteOutcomes(now);
      for (const settle of passed.splice(0)) settle();
      return now;
    },

    /** Settles when an observation begun after this call shows nothing in progress that ends by itself. */
    settled: async (signal: AbortSignal): Promise<void> => {
      do {
        const { promise, resolve } = Promise.withResolvers<void>();
        passed.push(resolve);
        signal.addEventListener('abort', () => resolve(), { once: true });
        wake.call();
        await promise;
      } while (!signal.aborted && !reconciler.isSettled());
    },

    /** Observes for one answer, without effect on the steps in progress. */
    inputNow: (signal: AbortSignal): Promise<PlanInput | undefined> => reconciler.inputNow(signal),

    /** Finds out whether the ledger is lost, new or whole, for a command that changes it without a daemon. */
    settleLedger: async (signal: AbortSignal): Promise<void> => {
      await reconciler.settleLedger(signal);
    },

    /** Observes and plans; starts nothing. */
    observe: async (signal: AbortSignal): Promise<PlanInput | undefined> => {
      const input = await reconciler.observe(signal);
      for (const settle of passed.splice(0)) settle();
      return input;
    },

    flushHistory: recorder.flush,

    operate: async (command: Command): Promise<CommandAnswer> => {
      const { actual } = reconciler.view();
      const answer = await operate(command, {
        ports,
        options,
        record,
        recorder,
        actual,
        project: intake.state().project,
        epoch: intake.state().trust?.epoch ?? 0,
        desiredRelease: (service) =>
          reconciler.view().plan?.services.find((s) => s.service === service)?.desired?.release,
        jobsOf,
        hasFailedStep: reconciler.hasFailedStep,
      });
      if (command.kind === 'retry') reconciler.forgetFailedSteps(command.service);
      if (command.kind === 'recover') {
        intake.checkKept();
        await intake.judge();
      }
      wake.call();
      await recorder.flush();
      return answer;
    },
  };
};

export type Agent = ReturnType<typeof createAgent>;
