import { validLabels } from '../fleet/host-labels.ts';
import { oneLine } from '../printable-text.ts';
import type { ReportedService, ReportedStatus } from '../status/reported-status.ts';
import type { WaitReason } from '../vocabulary/reasons.ts';
import { SWITCH_STATES, type HostWord, type ServiceWord, type SwitchState } from './host-word.ts';
import { SWITCH_KINDS, type SwitchKind } from './turn-request.ts';

/** What one report says to the rules of turns; how long ago it came is added when it is judged. */
export type ReportWord = Omit<HostWord, 'silentMs' | 'isSilent'>;

/** The hub keeps the word of every host in memory. */
const MOST_TEXT = 300;
const MOST_LINES = 20;
const LEAD: WaitReason = 'lead';

const short = (text: string): string => oneLine(text).slice(0, MOST_TEXT);

/** A state of a newer agent gives no slot back. */
const stateOf = (word: string): SwitchState => SWITCH_STATES.find((state) => state === word) ?? 'begun';

/** A kind of a newer agent waits for its wave. */
const kindOf = (word: string): SwitchKind => SWITCH_KINDS.find((kind) => kind === word) ?? 'version';

const failureOf = ({ failure, switching }: ReportedService): ServiceWord['failure'] => {
  if (!failure || switching?.state !== 'failed' || failure.release !== switching.release) return null;
  const { version, message, log } = failure;
  return { version, message: short(message), log: log.slice(-MOST_LINES).map(short) };
};

/**
 * Before the first version of a service nothing is desired, and an older agent says nothing about its
 * switch. Such a service takes its version from the entry of its name, so that waves wait for the host.
 */
const serviceWord = (reported: ReportedService): ServiceWord => {
  const { service, desired, serves, outcome, reason, message, switching } = reported;
  return {
    service,
    entry: switching ? switching.entry : service,
    release: switching?.release ?? desired?.release ?? '',
    digest: switching?.digest ?? null,
    attempt: switching?.attempt ?? 0,
    state: switching ? stateOf(switching.state) : 'none',
    kind: switching ? kindOf(switching.kind) : 'version',
    isUnsettled: switching?.unsettled ?? false,
    hasServed: switching?.hasServed ?? false,
    // Load balancers have not yet heard of it for the lead.
    serves: typeof serves === 'boolean' ? serves && reason !== LEAD : null,
    outcome,
    reason,
    message: message === null ? null : short(message),
    failure: failureOf(reported),
  };
};

/** Whether every object inherits a member of this name, so that it is no key of a state. */
export const isReserved = (name: string): boolean => name in Object.prototype;

export const wordOfReport = (report: ReportedStatus): ReportWord => {
  const { host, labels, agent, turns, manifest, hold, draining, services } = report;
  return {
    host,
    labels: validLabels(labels ?? {}),
    isRunning: agent.running,
    turns: turns
      ? {
          life: turns.life,
          seq: turns.seq,
          asked: turns.asked,
          jobs: turns.jobs ?? [],
          revision: turns.revision,
        }
      : null,
    serial: manifest.serial,
    refuses: manifest.rejection !== null,
    isHeld: hold !== null,
    isDrained: draining !== undefined && draining !== null,
    services: services.filter(({ service }) => !isReserved(service)).map(serviceWord),
  };
};
