import { describe, expect, it } from 'vitest';
import { substanceOf } from '../../../../src/core/status/fingerprint.ts';
import type { Status, TurnsStatus } from '../../../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';

const TURNS: TurnsStatus = {
  mode: 'manifest',
  life: 'one',
  seq: 1,
  asked: [],
  store: 'answers',
  message: null,
  revision: 1,
};

const status = (change: Partial<Status> = {}): Status => ({ ...hostStatus(), turns: TURNS, ...change });
const turns = (change: Partial<TurnsStatus>): Partial<Status> => ({ turns: { ...TURNS, ...change } });
const draining = (sessions: number): Partial<Status> => {
  const service = serviceStatus();
  const drain = { until: null, sessions } as unknown as (typeof service.containers)[number]['drain'];
  return { services: [{ ...service, containers: service.containers.map((c) => ({ ...c, drain })) }] };
};

describe('the substance of a report', () => {
  it.each<[string, Partial<Status>]>([
    ['the time', { at: '2030-01-01T00:00:00Z' }],
    ['the count of reports', turns({ seq: 2 })],
    ['the state of reporting', { report: { url: 'https://hub', sentAt: null, message: 'no' } }],
  ])('is the same after a change of %s', (_what, change) => {
    expect(substanceOf(status(change))).toBe(substanceOf(status()));
  });

  it.each<[string, Partial<Status>]>([
    ['the revision of turns', turns({ revision: 2 })],
    ['what was asked for', turns({ asked: ['web'] })],
    ['the jobs', turns({ jobs: [{ service: 'job', digest: 'sha256:1', attempt: 0 }] })],
    ['the mode of turns', turns({ mode: 'always' })],
    ['the life', turns({ life: 'two' })],
    ['an outcome', { outcome: 'blocked' }],
  ])('is another one after a change of %s', (_what, change) => {
    expect(substanceOf(status(change))).not.toBe(substanceOf(status()));
  });

  it('changes with the progress of a drain, which the page shows', () => {
    expect(substanceOf(status(draining(5)))).toBe(substanceOf(status(draining(5))));
    expect(substanceOf(status(draining(4)))).not.toBe(substanceOf(status(draining(5))));
  });
});
