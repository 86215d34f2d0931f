import { describe, expect, it } from 'vitest';
import { exitCodeOf, worstOf, worstOutcome, type ExitCode } from '../../../../src/core/status/exit-code.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';

const rejection = {
  reason: 'older',
  serial: 3,
  message: 'older',
  advice: 'publish',
  since: '2026-11-23T10:00:00Z',
};
const withService = (outcome: Status['outcome']): Partial<Status> => ({
  outcome,
  services: [serviceStatus({ service: 'db' }), serviceStatus({ outcome })],
});

describe('the exit code', () => {
  it.each<[string, Partial<Status>, ExitCode]>([
    ['everything as it should be', {}, 0],
    ['a service that waits', withService('waiting'), 2],
    ['a service under way', withService('progressing'), 2],
    ['a service with an outcome that only another version knows', withService('hibernating' as 'waiting'), 2],
    ['a service rolled back', withService('rolled-back'), 3],
    ['a service blocked', withService('blocked'), 3],
    [
      'an engine that is away',
      { ...withService('offline'), engine: { ...hostStatus().engine, online: false } },
      4,
    ],
    ['no daemon', { agent: { ...hostStatus().agent, running: false } }, 4],
    [
      'no daemon and a rolled-back service',
      { ...withService('rolled-back'), agent: { ...hostStatus().agent, running: false } },
      3,
    ],
    [
      'no daemon and a waiting service',
      { ...withService('waiting'), agent: { ...hostStatus().agent, running: false } },
      4,
    ],
    [
      'a refused manifest, all converged',
      { manifest: { ...hostStatus().manifest, state: 'rejected', rejection } },
      3,
    ],
    [
      'a source that is away, with an accepted manifest',
      {
        manifest: { ...hostStatus().manifest, source: { ...hostStatus().manifest.source, reachable: false } },
      },
      0,
    ],
    ['a broken compose file', { problems: [{ code: 'COMPOSE', message: 'broken', advice: 'mend it' }] }, 3],
  ])('for %s', (_what, change, code) => {
    expect(exitCodeOf(hostStatus(change), true)).toBe(code);
  });

  it('does not ask for a daemon where none is needed', () => {
    expect(exitCodeOf(hostStatus({ agent: { ...hostStatus().agent, running: false } }), false)).toBe(0);
  });

  it('is the highest of 1 > 3 > 4 > 5 > 2 > 0', () => {
    const order: readonly ExitCode[] = [1, 3, 4, 5, 2, 0];
    for (const [index, code] of order.entries()) expect(worstOf(order.slice(index))).toBe(code);
  });

  it('the worst outcome of nothing is converged', () => {
    expect(worstOutcome([])).toBe('converged');
    expect(worstOutcome(['waiting', 'blocked', 'converged'])).toBe('blocked');
  });
});
