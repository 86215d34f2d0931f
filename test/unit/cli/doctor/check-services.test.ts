import { describe, expect, it } from 'vitest';
import { checkService } from '../../../../src/cli/doctor/check-services.ts';
import type { ServiceStatus } from '../../../../src/core/status/status-document.ts';
import { serviceStatus } from '../../../support/status.ts';

const check = (change: Partial<ServiceStatus>): string => {
  const { name, result, message, advice } = checkService({ ...serviceStatus(), ...change });
  return `${result} ${name}: ${message}${advice === null ? '' : ` → ${advice}`}`;
};

describe('what doctor says of a service', () => {
  it.each<[Partial<ServiceStatus>, string]>([
    [{}, 'ok service (web): converged, runs 1.1.0'],
    [{ containers: [] }, 'ok service (web): converged, nothing runs'],
    [
      { outcome: 'rolled-back', message: '2.0.0 failed here', advice: 'publish another version' },
      'problem service (web): rolled-back, runs 1.1.0: 2.0.0 failed here → publish another version',
    ],
    [
      { outcome: 'blocked', message: 'no disk', advice: 'free space' },
      'problem service (web): blocked, runs 1.1.0: no disk → free space',
    ],
    [
      { outcome: 'waiting', message: 'held', advice: null },
      'hint service (web): waiting, runs 1.1.0: held → supercargo explain web',
    ],
    [
      {
        outcome: 'waiting',
        reason: 'drained',
        message: 'the host is drained by ann until `supercargo undrain`: kernel',
        advice: null,
      },
      'hint service (web): waiting, stopped: the host is drained by ann until `supercargo undrain`: kernel' +
        ' → supercargo explain web',
    ],
    [
      { outcome: 'sleeping' as ServiceStatus['outcome'], message: 'a word of a newer agent' },
      'hint service (web): sleeping, runs 1.1.0: a word of a newer agent → supercargo explain web',
    ],
  ])('%j', (change, said) => {
    expect(check(change)).toBe(said);
  });
});
