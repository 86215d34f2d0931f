import type { EpochMs } from '../time.ts';
import type { Actual, Container } from './actual.ts';
import { failuresOf, withFailures, type Ledger, type ServiceRecord } from './ledger.ts';

/**
 * A clock that is set back leaves times in the future: of starts, drains and failures. Steps that wait for
 * them would wait far too long, so these times count as the moment since which the agent watches.
 */
interface Clock {
  readonly nowMs: EpochMs;
  readonly watchingSinceMs: EpochMs;
}

const past = <T extends EpochMs | undefined>(ms: T, { nowMs, watchingSinceMs }: Clock): T | EpochMs =>
  ms !== undefined && ms > nowMs ? Math.min(nowMs, watchingSinceMs) : ms;

const pastContainer = (container: Container, clock: Clock): Container => {
  const { detail } = container;
  const times = [detail?.createdAtMs, detail?.startedAtMs, detail?.finishedAtMs];
  if (!detail || times.every((ms) => ms === undefined || ms <= clock.nowMs)) return container;
  return {
    ...container,
    detail: {
      ...detail,
      createdAtMs: past(detail.createdAtMs, clock),
      startedAtMs: past(detail.startedAtMs, clock),
      finishedAtMs: past(detail.finishedAtMs, clock),
    },
  };
};

const pastRecord = (record: ServiceRecord, clock: Clock): ServiceRecord => {
  const failures = failuresOf(record);
  const times = [...failures.map((f) => f.failedAtMs), ...Object.values(record.drains ?? {})];
  if (times.every((ms) => ms === undefined || ms <= clock.nowMs)) return record;
  return {
    ...record,
    ...withFailures(failures.map((f) => ({ ...f, failedAtMs: past(f.failedAtMs, clock) }))),
    ...(record.drains && {
      drains: Object.fromEntries(Object.entries(record.drains).map(([id, ms]) => [id, past(ms, clock)])),
    }),
  };
};

/** Returns the same object if no time lies in the future, because plans are memoized by their input. */
export const withPastTimes = (actual: Actual, clock: Clock): Actual => {
  const containers = actual.containers.map((container) => pastContainer(container, clock));
  const isSame = containers.every((container, index) => container === actual.containers[index]);
  return isSame ? actual : { ...actual, containers };
};

export const withPastRecords = (ledger: Ledger, clock: Clock): Ledger => {
  const before = Object.entries(ledger.services);
  const services = before.map(([name, record]) => [name, pastRecord(record, clock)] as const);
  const isSame = services.every(([, record], index) => record === before[index]?.[1]);
  return isSame ? ledger : { ...ledger, services: Object.fromEntries(services) };
};
