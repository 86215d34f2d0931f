import { describe, expect, it } from 'vitest';
import { hasPaceOptions, paceFrom, type PaceFlags } from '../../../../src/cli/publishing/pace-options.ts';
import { DEFAULT_PACE } from '../../../../src/core/manifest/pace.ts';

describe('the options of a pace', () => {
  it('replace members of the present pace, and of the default the first time', () => {
    const first = paceFrom({ waves: 'zone=a+canary=true, 0.5%,100%', soak: '1h30m' }, undefined);
    expect(first).toEqual({
      ...DEFAULT_PACE,
      waves: [{ labels: { zone: 'a', canary: 'true' } }, { percent: 0.5 }, { percent: 100 }],
      soakSeconds: 5400,
    });
    const next = paceFrom({ maxParallel: '10%', haltAfter: '2', turnTime: '3m30s', soak: '0' }, first);
    expect(next).toEqual({
      maxParallel: { percent: 10 },
      waves: first?.waves,
      soakSeconds: 0,
      haltAfter: { hosts: 2 },
      turnSeconds: 210,
    });
  });

  it('end it with --none, which stands alone', () => {
    expect(paceFrom({ none: true }, DEFAULT_PACE)).toBeUndefined();
    expect(hasPaceOptions({ none: true })).toBe(true);
    expect(hasPaceOptions({})).toBe(false);
    expect(() => hasPaceOptions({ none: true, soak: '5m' })).toThrow(/--none ends the pace/);
  });

  it.each<[PaceFlags, RegExp]>([
    [{ maxParallel: '0' }, /^--max-parallel must be a number of hosts from 1 on/],
    [{ maxParallel: 'all' }, /^--max-parallel must be/],
    [{ haltAfter: '-1' }, /^--halt-after must be/],
    [{ soak: '5' }, /^--soak "5" is not a duration/],
    [{ soak: '31d' }, /^--soak must be .* \(30 days\)/],
    [{ turnTime: '179s' }, /^--turn-time must be .* from 180 \(3 minutes\)/],
    [{ waves: '' }, /^--waves "" is neither a share like 10% nor labels: it has no label/],
    [{ waves: 'canary=true,' }, /^--waves "" is neither/],
    [{ waves: 'canary' }, /^--waves "canary" is neither .*: it has "canary", which is not NAME=VALUE/],
    [{ waves: '10%,101%' }, /^--waves \(wave 2\) must be a share/],
    [{ waves: '10' }, /^--waves "10" is neither/],
    [{ waves: '100%,10%' }, /^--waves has 10% after 100%: no host would be new in it/],
  ])('%j are refused', (flags, message) => {
    expect(() => paceFrom(flags, undefined)).toThrow(message);
  });
});
