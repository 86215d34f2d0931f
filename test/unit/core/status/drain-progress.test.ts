import { describe, expect, it } from 'vitest';
import { progressBack, progressOut } from '../../../../src/core/status/drain-progress.ts';
import type { ServiceStatus, Status } from '../../../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';

const LATER = '2026-11-23T10:05:00Z';
const drain = (done: boolean): NonNullable<Status['draining']> => ({
  reason: 'kernel',
  owner: 'ann',
  since: LATER,
  until: null,
  done,
});
const hold = { reason: 'forensics', owner: 'bob', since: LATER, until: null, all: true };
const of = (outcome: ServiceStatus['outcome'], change: Partial<ServiceStatus> = {}): ServiceStatus =>
  serviceStatus({ outcome, ...change });
const out = of('waiting', { reason: 'drained', until: LATER, serves: false });
const edge = (outcome: ServiceStatus['outcome'], until: string | null): Status['edge'] => ({
  outcome,
  reason: null,
  message: 'cannot pull haproxy',
  advice: null,
  until,
  containers: [],
});
const offline = { ...hostStatus().engine, online: false };

describe('the way out of service', () => {
  it.each<[string, Partial<Status>, string]>([
    ['without a drain', { draining: null }, 'turned'],
    ['with an agent that knows none', {}, 'turned'],
    ['once all is stopped', { draining: drain(true), services: [out] }, 'reached'],
    [
      'once all else is stopped, with a failed service',
      { draining: drain(true), services: [of('blocked')] },
      'reached',
    ],
    ['while a service leaves', { draining: drain(false), services: [of('progressing')] }, 'going'],
    [
      'while one leaves and one cannot',
      { draining: drain(false), services: [of('progressing'), of('blocked')] },
      'going',
    ],
    [
      'with a step that is tried again',
      { draining: drain(false), services: [of('blocked', { until: LATER })] },
      'going',
    ],
    [
      'with one that stops after a service that cannot leave',
      { draining: drain(false), services: [of('waiting', { reason: 'dependency' }), of('blocked')] },
      'stuck',
    ],
    [
      'with one whose connections end',
      {
        draining: drain(false),
        services: [of('progressing', { reason: 'drain', until: LATER }), of('blocked')],
      },
      'going',
    ],
    ['without the engine', { draining: drain(false), services: [of('offline')], engine: offline }, 'going'],
    [
      'before the first observation',
      { draining: drain(false), services: [], outcome: 'progressing' },
      'going',
    ],
    ['with a service that cannot leave', { draining: drain(false), services: [out, of('blocked')] }, 'stuck'],
    ['with a status of before the drain', { draining: drain(false), services: [of('converged')] }, 'stuck'],
  ])('%s', (_what, change, kind) => {
    expect(progressOut(hostStatus(change)).kind).toBe(kind);
  });

  it('names what cannot leave', () => {
    const blocked = of('blocked', { message: 'cannot stop it' });
    expect(progressOut(hostStatus({ draining: drain(false), services: [out, blocked] }))).toEqual({
      kind: 'stuck',
      services: [blocked],
    });
  });
});

describe('the way back into service', () => {
  it.each<[string, Partial<Status>, string]>([
    ['of a host that was not drained', {}, 'reached'],
    ['that another drain ends', { draining: drain(false) }, 'turned'],
    ['with a status of before its beginning', { draining: null, services: [out] }, 'going'],
    ['while a service starts', { services: [of('progressing'), of('blocked', { serves: false })] }, 'going'],
    ['once all serve', { services: [of('converged', { serves: true })] }, 'reached'],
    ['once the last good release serves', { services: [of('rolled-back', { serves: true })] }, 'reached'],
    ['past a service without a version', { services: [of('waiting', { serves: false })] }, 'reached'],
    [
      'while a failed step is tried again',
      { services: [of('waiting', { reason: 'back-off', until: LATER, serves: false })] },
      'going',
    ],
    [
      'past a service whose window opens later',
      { services: [of('waiting', { reason: 'window', until: LATER, serves: false })] },
      'reached',
    ],
    ['with a service that cannot start', { services: [of('blocked', { serves: false })] }, 'stuck'],
    ['with one of an agent that does not say who serves', { services: [of('blocked')] }, 'stuck'],
    ['while the edge is tried again', { edge: edge('waiting', LATER) }, 'going'],
    ['with an edge that cannot start', { edge: edge('blocked', null) }, 'stuck'],
    ['with an edge that ends its sessions', { edge: edge('progressing', LATER) }, 'reached'],
    ['under a hold of everything', { hold, services: [of('waiting', { serves: false })] }, 'stuck'],
    ['under such a hold, while all serve', { hold, services: [of('converged')] }, 'reached'],
    ['under a hold that ends', { hold: { ...hold, until: LATER }, services: [out] }, 'going'],
    ['without the engine', { services: [of('offline')], engine: offline }, 'going'],
  ])('%s', (_what, change, kind) => {
    expect(progressBack(hostStatus(change)).kind).toBe(kind);
  });
});
