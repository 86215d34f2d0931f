import { describe, expect, it } from 'vitest';
import { reportSchema } from '../../../../src/core/hub/report-schema.ts';
import type { ServiceStatus, Status, SwitchStatus } from '../../../../src/core/status/status-document.ts';
import { wordOfReport, type ReportWord } from '../../../../src/core/turns/report-word.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';
import { parse } from 'valibot';

const RELEASE = 'ab12cd34'.repeat(8);
const DIGEST = `sha256:${'a'.repeat(64)}`;
const switching = (change: Partial<SwitchStatus> = {}): SwitchStatus => ({
  entry: 'web',
  release: RELEASE,
  digest: DIGEST,
  attempt: 2,
  state: 'begun',
  kind: 'version',
  unsettled: true,
  hasServed: true,
  ...change,
});
const turns: NonNullable<Status['turns']> = {
  mode: 'manifest',
  life: 'life-1',
  seq: 7,
  asked: ['web'],
  store: 'answers',
  message: null,
  revision: 3,
};

const wordOf = (change: Partial<Status> | object): ReportWord =>
  wordOfReport(parse(reportSchema, { ...hostStatus(), ...change }));
const serviceOf = (change: Partial<ServiceStatus> | object): ReportWord['services'][number] | undefined =>
  wordOf({ services: [{ ...serviceStatus(), ...change }] }).services[0];

describe('what a report says to the rules of turns', () => {
  it('is who the host is, and how far it is with each service', () => {
    const services = [serviceStatus({ serves: true, switching: switching() })];
    expect(wordOf({ labels: { zone: 'a' }, turns, services })).toEqual({
      host: 'web-1',
      labels: { zone: 'a' },
      isRunning: true,
      turns: { life: 'life-1', seq: 7, asked: ['web'], jobs: [], revision: 3 },
      serial: 418,
      refuses: false,
      isHeld: false,
      isDrained: false,
      services: [
        {
          service: 'web',
          entry: 'web',
          release: RELEASE,
          digest: DIGEST,
          attempt: 2,
          state: 'begun',
          kind: 'version',
          isUnsettled: true,
          hasServed: true,
          serves: true,
          outcome: 'converged',
          reason: null,
          message: null,
          failure: null,
        },
      ],
    });
  });

  it('names an older agent, which takes no turns, and counts its services', () => {
    const { turns: none, services } = wordOf({});
    expect(none).toBeNull();
    expect(services).toMatchObject([{ service: 'web', entry: 'web', state: 'none', serves: null }]);
  });

  it.each([
    ['held', { hold: { reason: 'r', owner: 'o', since: hostStatus().at, until: null, all: false } }],
    ['drained', { draining: { reason: 'r', owner: 'o', since: hostStatus().at, until: null, done: false } }],
  ])('is that the host is %s', (what, change) => {
    expect(wordOf(change)).toMatchObject({ isHeld: what === 'held', isDrained: what === 'drained' });
  });

  it('is that the host refuses what it is offered', () => {
    const rejection = { reason: 'older', serial: 419, message: '', advice: '', since: hostStatus().at };
    expect(wordOf({ manifest: { ...hostStatus().manifest, rejection } }).refuses).toBe(true);
  });

  it.each([
    ['it serves', { serves: true, reason: null }, true],
    ['it does not', { serves: false, reason: null }, false],
    ['load balancers have not heard of it for the lead', { serves: true, reason: 'lead' }, false],
    ['it is a job', { serves: null, reason: null }, null],
    ['the agent is older', {}, null],
  ])('takes a service for one that serves only where it does: %s', (_what, change, serves) => {
    expect(serviceOf(change)?.serves).toBe(serves);
  });

  it('takes words of a newer agent for those that free no slot and open no way', () => {
    const strange = { ...switching(), state: 'resting', kind: 'transplant' };
    expect(serviceOf({ switching: strange })).toMatchObject({ state: 'begun', kind: 'version' });
  });

  it('has the failure of the release that should run, and not of another one', () => {
    const failure = {
      version: '1.2.3',
      release: RELEASE,
      attempt: 2,
      reason: 'unhealthy',
      message: 'it answered\n500',
      at: hostStatus().at,
      log: Array.from({ length: 99 }, (_, at) => `line ${String(at)}`),
    };
    const failed = switching({ state: 'failed' });
    const { message, log } = serviceOf({ failure, switching: failed })?.failure ?? {};
    expect(message).toBe('it answered 500');
    expect(log).toHaveLength(20);
    expect(log?.at(-1)).toBe('line 98');
    expect(serviceOf({ failure: { ...failure, release: 'other' }, switching: failed })?.failure).toBeNull();
    expect(serviceOf({ failure, switching: switching() })?.failure).toBeNull();
  });

  it('has no service with a name that every object inherits', () => {
    expect(wordOf({ services: [serviceStatus({ service: 'toString' })] }).services).toEqual([]);
  });
});
