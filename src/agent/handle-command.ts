import type { Command, CommandAnswer } from '../core/operator-command.ts';
import { AgentError } from '../core/errors.ts';
import { oneLine } from '../core/printable-text.ts';
import { isoSeconds, isoTime } from '../core/time.ts';
import type { ComposeProject } from '../core/compose/project-model.ts';
import { mayBeOurs } from '../core/plan/ownership.ts';
import type { Actual, Container } from '../core/state/actual.ts';
import {
  emptyLedger,
  failuresOf,
  isDrainActive,
  isHoldActive,
  isQuarantined,
  LIFTED,
  serviceRecord,
  withFailures,
  withService,
  type Hold,
  type HostDrain,
  type Ledger,
} from '../core/state/ledger.ts';
import type { Recorder } from './recorder.ts';
import type { AgentOptions, AgentPorts } from './agent-ports.ts';
import type { LedgerRecord } from './ledger-record.ts';

export interface OperateContext {
  readonly ports: AgentPorts;
  readonly options: AgentOptions;
  readonly record: LedgerRecord;
  readonly recorder: Recorder;
  readonly actual: Actual | undefined;
  readonly project: ComposeProject | undefined;
  /** The current trust epoch; 0 if unsigned manifests are accepted. */
  readonly epoch: number;
  /** The id of the release that the service should run; undefined if nothing was planned yet. */
  readonly desiredRelease: (service: string) => string | undefined;
  /** Jobs that the service waits for; `retry` clears them with it. */
  readonly jobsOf: (service: string) => readonly string[];
  /** Whether a step of the service failed; the caller of `operate` forgets it. */
  readonly hasFailedStep: (service: string) => boolean;
}

/** Carries out an operator's command. @throws AgentError; its advice says what to do instead. */
export const operate = async (command: Command, c: OperateContext): Promise<CommandAnswer> => {
  if (command.kind === 'recover') return recover(command, c);
  const trouble = c.record.trouble();
  if (trouble) throw new AgentError('LEDGER', trouble.message, { advice: trouble.advice });
  switch (command.kind) {
    case 'pause':
      return pause(command, c);
    case 'resume':
      return resume(c);
    case 'drain':
      return drain(command, c);
    case 'undrain':
      return undrain(c);
    case 'switch-now':
      return switchNow(command, c);
    case 'retry':
      return retry(command.service, c);
  }
};

/** The end of the year 9999: RFC 3339 has no later times, so that readers of the status would fail. */
const LAST_MS = 253_402_300_799_999;

const pause = async (
  command: Extract<Command, { kind: 'pause' }>,
  c: OperateContext,
): Promise<CommandAnswer> => {
  const { owner, untilMs, all, replace = false } = command;
  const reason = checkedReason(command);
  checkEnd(untilMs, 'hold', RESUME);
  const { hold } = c.record.current();
  const isHeld = isHoldActive(hold, c.ports.now());
  if (isHeld && !replace && !covers({ untilMs: untilMs ?? undefined, all }, hold))
    throw new AgentError('USAGE', `${holdText(hold)} holds more than this pause would`, {
      advice: 'leave it, or add --replace to hold only what you say now',
    });
  await c.record.update((l) => ({
    ...l,
    hold: { reason, owner, all, sinceMs: c.ports.now(), untilMs: untilMs ?? undefined },
  }));
  const until = untilMs === null ? null : isoSeconds(untilMs);
  c.recorder.write('info', 'hold.set', { reason, owner, all, until });
  const what = all ? 'nothing at all is changed here' : 'no switch begins here; repairs and rollbacks go on';
  return {
    lines: [
      ...(isHeld ? [`${holdText(hold)} is replaced`] : []),
      `held ${untilText(untilMs ?? undefined, RESUME)}: ${what}`,
    ],
  };
};

const RESUME = '`supercargo resume`';
const UNDRAIN = '`supercargo undrain`';

/** On one line, because every message that quotes it is one line. */
const checkedReason = ({ kind, reason }: { readonly kind: string; readonly reason: string }): string => {
  const text = oneLine(reason).trim();
  if (text !== '') return text;
  throw new AgentError('USAGE', `the reason of the ${kind} is empty`, {
    advice: 'say why, for those who look at status: --reason "new disk, ask Ann"',
  });
};

const checkEnd = (untilMs: number | null, what: string, ending: string): void => {
  if (untilMs === null || untilMs <= LAST_MS) return;
  throw new AgentError('USAGE', `the end of the ${what} is later than the latest possible date`, {
    advice: `leave the end out: the ${what} then lasts until ${ending}`,
  });
};

const untilText = (untilMs: number | undefined, ending: string): string =>
  `until ${untilMs === undefined ? ending : isoSeconds(untilMs)}`;

const holdText = ({ owner, reason, untilMs, all }: Hold): string =>
  `the hold of ${owner} (${reason}${all ? ', repairs too' : ''}) ${untilText(untilMs, RESUME)}`;

/** Whether the first hold lasts as long as the second, and stops at least as much. */
const covers = (a: Pick<Hold, 'untilMs' | 'all'>, b: Pick<Hold, 'untilMs' | 'all'>): boolean =>
  (a.untilMs ?? Infinity) >= (b.untilMs ?? Infinity) && (a.all || !b.all);

const resume = async (c: OperateContext): Promise<CommandAnswer> => {
  const { hold } = c.record.current();
  if (!isHoldActive(hold, c.ports.now())) return { lines: ['nothing is held here'] };
  await c.record.update((l) => ({ ...l, hold: undefined }));
  c.recorder.write('info', 'hold.ended', { owner: hold.owner, reason: hold.reason });
  return { lines: [`the hold of ${hold.owner} (${hold.reason}) is over`] };
};

const drainText = ({ owner, reason, untilMs }: HostDrain): string =>
  `the drain of ${owner} (${reason}) ${untilText(untilMs, UNDRAIN)}`;

/** The hold that lets nothing at all change here, not even a drain. */
const frozenBy = (c: OperateContext): Hold | undefined => {
  const { hold } = c.record.current();
  return isHoldActive(hold, c.ports.now()) && hold.all ? hold : undefined;
};

const drain = async (
  command: Extract<Command, { kind: 'drain' }>,
  c: OperateContext,
): Promise<CommandAnswer> => {
  const { owner, untilMs } = command;
  const reason = checkedReason(command);
  checkEnd(untilMs, 'drain', UNDRAIN);
  const hold = frozenBy(c);
  if (hold) {
    throw new AgentError('USAGE', `${holdText(hold)} changes nothing at all here, so no service can stop`, {
      advice: `end the hold first: ${RESUME}`,
    });
  }
  const nowMs = c.ports.now();
  const { drain: known } = c.record.current();
  const before = isDrainActive(known, nowMs) ? known : undefined;
  const next = { reason, owner, sinceMs: before?.sinceMs ?? nowMs, untilMs: untilMs ?? undefined };
  await c.record.update((l) => ({ ...l, drain: next }));
  const until = untilMs === null ? null : isoSeconds(untilMs);
  c.recorder.write('info', 'drain.set', { reason, owner, until });
  const back = until === null ? '' : ', then back by itself';
  return {
    lines: [
      ...(before ? [`${drainText(before)} is replaced`] : []),
      `drained ${untilText(next.untilMs, UNDRAIN)}${back}: every service leaves and stops, and none begins`,
      ...(c.options.edge.health ? [] : [NO_ENDPOINT]),
    ],
  };
};

const NO_ENDPOINT =
  'load balancers are not told: set SUPERCARGO_HEALTH_LISTEN, so that they stop sending before services stop';

const undrain = async (c: OperateContext): Promise<CommandAnswer> => {
  const { drain: known } = c.record.current();
  if (!isDrainActive(known, c.ports.now())) return { lines: ['this host is not drained'] };
  await c.record.update((l) => ({ ...l, drain: undefined }));
  c.recorder.write('info', 'drain.ended', { owner: known.owner, reason: known.reason });
  const hold = frozenBy(c);
  return {
    lines: [
      `the drain of ${known.owner} (${known.reason}) is over`,
      ...(hold ? [`but ${holdText(hold)} changes nothing at all here: services stay as they are`] : []),
    ],
  };
};

const switchNow = async (
  command: Extract<Command, { kind: 'switch-now' }>,
  c: OperateContext,
): Promise<CommandAnswer> => {
  const { owner } = command;
  const reason = checkedReason(command);
  const manifest = c.record.current().accepted?.manifest;
  const serial = manifest?.serial ?? 0;
  const named = manifest ? `manifest ${String(serial)}` : 'no manifest';
  if (c.options.turns !== 'always' && manifest?.pace === undefined)
    return { lines: [`no switch here needs a turn: ${named} has no pace`], isDone: true };
  await c.record.update((l) => ({ ...l, switchNow: { serial, reason, owner, sinceMs: c.ports.now() } }));
  c.recorder.write('info', 'switch.forced', { reason, owner, serial });
  const pinned = 'what this host pins begins without a turn, until a manifest is accepted';
  const text = `the switches of ${named} begin without a turn, also if they are halted; the next manifest needs turns`;
  return { lines: [manifest ? text : pinned, ...stillClosed(c)] };
};

/** It opens no gate of this host. */
const stillClosed = (c: OperateContext): readonly string[] => {
  const { hold, drain: drained } = c.record.current();
  const nowMs = c.ports.now();
  return [
    ...(isDrainActive(drained, nowMs) ? [`but ${drainText(drained)} lets none begin`] : []),
    ...(isHoldActive(hold, nowMs) ? [`but ${holdText(hold)} lets none begin`] : []),
  ];
};

const lifted = (ledger: Ledger, service: string): Ledger => {
  const failures = failuresOf(serviceRecord(ledger, service));
  return withService(ledger, service, withFailures(failures.map((f) => ({ ...f, attempt: LIFTED }))));
};

const retry = async (service: string, c: OperateContext): Promise<CommandAnswer> => {
  const ledger = c.record.current();
  // No service has a name that every object inherits (compose/project.ts), but the command line may say one.
  const names = service in {} ? [] : [service, ...c.jobsOf(service)];
  const failed = names.filter((name) => isQuarantined(serviceRecord(ledger, name)));
  if (failed.length === 0 && c.hasFailedStep(service)) return { lines: [`${service} is tried again`] };
  if (failed.length === 0) {
    const known = Object.keys(ledger.services).filter((name) => isQuarantined(serviceRecord(ledger, name)));
    const advice =
      known.length === 0 ? 'no service is quarantined on this host' : `quarantined here: ${known.join(', ')}`;
    throw new AgentError('USAGE', `${service} is not quarantined`, { advice });
  }
  await c.record.update((l) => failed.reduce((done, name) => lifted(done, name), l));
  c.recorder.write('info', 'quarantine.cleared', { service, cleared: failed });
  return { lines: failed.map((name) => retriedText(name, ledger, c.desiredRelease(name))) };
};

/** Names the version that is wanted here: a later one that failed, too, may have been taken back. */
const retriedText = (service: string, ledger: Ledger, desired: string | undefined): string => {
  const failures = failuresOf(serviceRecord(ledger, service)).filter((f) => f.attempt !== LIFTED);
  const wanted =
    failures.find((f) => f.release === desired) ?? (desired === undefined ? failures[0] : undefined);
  if (wanted) return `${service} ${wanted.version} is tried again`;
  const versions = failures.map((f) => f.version).join(', ');
  return `${service} ${versions} may be tried again; another version is wanted here now`;
};

const recover = async (
  command: Extract<Command, { kind: 'recover' }>,
  c: OperateContext,
): Promise<CommandAnswer> => {
  const { serial, dryRun } = command;
  const trouble = c.record.trouble();
  if (trouble?.isForeign) throw new AgentError('CONFIG', trouble.message, { advice: trouble.advice });
  if (!c.actual) {
    throw new AgentError(
      'ENGINE_OFFLINE',
      'the engine does not answer, but the ledger is rebuilt from its containers',
      { advice: 'start the engine, then run `supercargo recover` again' },
    );
  }
  if (!trouble && serial === null)
    return {
      isDone: true,
      lines: ['the ledger is intact: there is nothing to recover (--serial N rebuilds it all the same)'],
    };
  const own = c.actual.containers.filter((o) => mayBeOurs(c.options.environment, c.project, o));
  const lowest = serial ?? Math.max(0, ...own.map((o) => o.owner?.serial ?? 0));
  const lines = assumptions(c, own, lowest);
  if (dryRun) return { lines };
  const aside = await c.ports.ledger.setAside(`lost-${isoTime(c.ports.now()).replaceAll(/[:.]/g, '')}`);
  const next: Ledger = {
    ...emptyLedger(c.options.environment),
    floor: { epoch: c.epoch, serial: lowest },
    recoveredAtMs: c.ports.now(),
    // Containers of declared services are recognised by their releases.
    containers: own.filter((o) => !c.project?.services[o.owner?.service ?? '']).map((o) => o.id),
  };
  await c.record.replace(next);
  c.recorder.write('info', 'ledger.recovered', { floor: lowest, epoch: c.epoch, aside: aside ?? null });
  return {
    lines: [
      ...(aside === undefined ? [] : [`the old ledger was set aside as ${aside}`]),
      'the ledger was rebuilt',
    ],
  };
};

const assumptions = (c: OperateContext, own: readonly Container[], lowest: number): readonly string[] => {
  const strangers = c.actual?.containers.filter((o) => o.owner && !own.includes(o)) ?? [];
  return [
    `manifests are accepted from serial ${String(lowest)} on (epoch ${String(c.epoch)})`,
    ...own.map(
      (o) =>
        `${o.owner?.service ?? ''}: ${o.name} (${o.owner?.version ?? ''}, ${o.state}) stays; ` +
        'its release counts as good once the container is good',
    ),
    ...strangers.map(
      (o) => `${o.name} bears the labels of ${o.owner?.service ?? ''}, but a foreign name: it is left alone`,
    ),
    'quarantines, holds, a drain, completed jobs and earlier rollback targets are forgotten',
  ];
};
