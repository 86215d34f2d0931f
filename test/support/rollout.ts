import type {
  ReportedChange,
  ReportedFailure,
  ReportedRollout,
  ReportedWave,
} from '../../src/core/turns/read-rollout.ts';

export const ROLLOUT_AT = '2026-11-30T12:00:00.000Z';

/** A time some minutes before the rollout is read, or after it with a negative number. */
export const minutesBefore = (minutes: number): string =>
  new Date(Date.parse(ROLLOUT_AT) - minutes * 60_000).toISOString();

/** A wave of one host that is not open yet, unless changed. */
export const waveStatus = (change: Partial<ReportedWave> = {}): ReportedWave => ({
  name: '100%',
  openedAt: null,
  hosts: 1,
  good: 0,
  failed: [],
  switching: [],
  waiting: [],
  unready: [],
  excused: [],
  ...change,
});

/** A change of one service that switches, in one wave. */
export const changeStatus = (change: Partial<ReportedChange> = {}): ReportedChange => ({
  serial: 418,
  at: minutesBefore(10),
  state: 'switching',
  urgent: null,
  entries: [{ entry: 'web', version: '1.1.0' }],
  waves: [waveStatus({ openedAt: minutesBefore(10) })],
  soaksUntil: null,
  halted: null,
  failures: [],
  ...change,
});

export const failureOf = (change: Partial<ReportedFailure> = {}): ReportedFailure => ({
  host: 'web-7',
  result: 'failed',
  at: minutesBefore(1),
  message: 'the container is unhealthy',
  log: [],
  forgiven: false,
  ...change,
});

/** An environment with a pace and no change, unless changed. */
export const rolloutStatus = (change: Partial<ReportedRollout> = {}): ReportedRollout => ({
  apiVersion: 'supercargo/rollout/v1',
  environment: 'production',
  at: ROLLOUT_AT,
  revision: 7,
  serial: 418,
  pace: { maxParallel: 1, waves: [{ share: '100%' }], soakSeconds: 0, haltAfter: 0, turnSeconds: 900 },
  starting: null,
  jobs: [],
  abandoned: [],
  halt: null,
  changes: [],
  holders: [],
  leftOut: [],
  tooOld: [],
  audit: [],
  ...change,
});
