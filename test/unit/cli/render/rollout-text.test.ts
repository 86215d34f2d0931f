import { describe, expect, it } from 'vitest';
import { rolloutHeadline } from '../../../../src/cli/render/rollout-headline.ts';
import { renderRollout } from '../../../../src/cli/render/rollout-text.ts';
import { createPalette } from '../../../../src/cli/terminal/colour.ts';
import { visibleWidth } from '../../../../src/cli/terminal/visible.ts';
import type { ReportedRollout } from '../../../../src/core/turns/read-rollout.ts';
import {
  changeStatus,
  failureOf,
  minutesBefore,
  rolloutStatus,
  waveStatus,
} from '../../../support/rollout.ts';

const screenOf = (columns: number | undefined, colour = false) => ({
  columns,
  colour,
  palette: createPalette({ colour }),
});
const SCREEN = screenOf(80);

const pace = {
  maxParallel: '10%',
  waves: [{ labels: { canary: 'true', zone: 'a' } }, { share: '10%' }, { share: '100%' }],
  soakSeconds: 300,
  haltAfter: 0,
  turnSeconds: 900,
};

/** The second wave of a change, in which one host failed and another one is lost. */
const halted = rolloutStatus({
  pace,
  changes: [
    changeStatus({
      state: 'halted',
      waves: [
        waveStatus({ name: 'canary=true,zone=a', openedAt: minutesBefore(10), hosts: 2, good: 2 }),
        waveStatus({
          name: '10%',
          openedAt: minutesBefore(4),
          hosts: 8,
          good: 2,
          failed: ['web-7'],
          switching: ['web-3'],
          waiting: ['web-4', 'web-5', 'web-6'],
          unready: [{ host: 'web-6', reason: 'back-off' }],
          excused: [{ host: 'web-8', reason: 'silent' }],
        }),
        waveStatus({ name: '100%', hosts: 42 }),
      ],
      halted: { reason: 'web-7 failed', at: minutesBefore(1), hosts: ['web-7'] },
      failures: [
        failureOf({
          log: ['listening on 8080', 'Error: connect ECONNREFUSED 10.0.0.7:5432, for the first time ever'],
        }),
        failureOf({ host: 'web-2', forgiven: true, at: minutesBefore(8) }),
        failureOf({ host: 'web-9', result: 'lost', message: null, at: minutesBefore(5) }),
      ],
    }),
  ],
  holders: [
    { host: 'web-3', service: 'web', state: 'begun', since: minutesBefore(2) },
    { host: 'web-9', service: 'web', state: 'lost', since: minutesBefore(20) },
  ],
  leftOut: [{ host: 'web-12', reason: 'broken fan', by: 'anna@ops', at: minutesBefore(2000) }],
  tooOld: ['old-1'],
});

const job = (change: Partial<ReportedRollout['jobs'][number]>): ReportedRollout['jobs'][number] => ({
  job: 'migrate',
  digest: 'sha256:1',
  attempt: 0,
  state: 'done',
  host: 'web-1',
  at: minutesBefore(5),
  message: null,
  log: [],
  ...change,
});
const byJob = changeStatus({
  state: 'halted',
  halted: { reason: 'the job migrate failed on web-1', at: minutesBefore(5), hosts: ['web-1'] },
});

describe('a rollout, for people', () => {
  it('shows waves, failures with their logs, who holds a place, and what to do next', () => {
    expect(`\n${renderRollout(halted, SCREEN)}`).toBe(`
production: serial 418 (web 1.1.0) is halted: web-7 failed
pace: 10% at once · waves canary=true+zone=a, 10%, 100% · soak 5 min · halts at
the first failure

serial 418 (web 1.1.0), made 10 min ago (11:50 UTC)
  canary=true,zone=a  ████████████████████  2 of 2 good
  10%                 █████▓▓░░░░░░░░░░░░░  2 of 8 good · 1 switching · 3
                                            waiting · 1 failed · 1 excused
  100%                ░░░░░░░░░░░░░░░░░░░░  not open, 42 hosts
  wait for their turn: web-4, web-5
  not ready for a turn: back-off: web-6
  excused: silent: web-8
  halted 1 min ago (11:59 UTC): web-7 failed
  web-7 failed 1 min ago (11:59 UTC): the container is unhealthy
    │  listening on 8080
    │  Error: connect ECONNREFUSED 10.0.0.7:5432, for the first time ever
  web-9 was lost 5 min ago (11:55 UTC): it is silent and has a turn
  web-2 failed 8 min ago (11:52 UTC): the container is unhealthy (forgiven)

places taken
  web-3  web  switches                      since 2 min ago (11:58 UTC)
  web-9  web  is lost, and keeps its place  since 20 min ago (11:40 UTC)

remarks
  web-12 is left out by anna@ops since 1 d ago (2026-11-29 02:40 UTC): broken
  fan
  agents too old to take turns: old-1

next
  → supercargo rollout free production web-9 --reason …  if it will not report
                                                         again
  → supercargo rollout resume production --reason …      once the cause is gone
  → supercargo rollback production                       if the version is bad
`);
  });

  it('shows the time that is left of a soak', () => {
    const soaking = changeStatus({
      state: 'soaking',
      soaksUntil: minutesBefore(-3),
      waves: [waveStatus({ openedAt: minutesBefore(9), good: 1 })],
    });
    expect(`\n${renderRollout(rolloutStatus({ changes: [soaking] }), SCREEN)}`).toBe(`
production: serial 418 (web 1.1.0) soaks, wave 1 of 1: goes on in 3 min (12:03
UTC)
pace: 1 host at once · waves 100% · no soak · halts at the first failure

serial 418 (web 1.1.0), made 10 min ago (11:50 UTC)
  100%  ████████████████████  1 of 1 good
  the soak ends in 3 min (12:03 UTC)
`);
  });

  it('names the person who halted, and when the halt ends', () => {
    const text = renderRollout(
      rolloutStatus({
        halt: { reason: 'a sale', by: 'anna@ops', at: minutesBefore(3), until: minutesBefore(-57) },
        changes: [changeStatus({ state: 'halted' })],
      }),
      SCREEN,
    );
    expect(text).toMatch(/^production: serial 418 \(web 1\.1\.0\) is halted by anna@ops: a sale\n/);
    expect(text).toContain('halted by anna@ops 3 min ago (11:57 UTC), ends in 57 min (12:57 UTC): a sale');
    expect(text).toContain('→ supercargo rollout resume production --reason …');
  });

  it('says why a store that has started hands out nothing yet', () => {
    const starting = { hosts: ['web-1', 'web-2'], until: minutesBefore(-3) };
    expect(
      renderRollout(rolloutStatus({ starting, changes: [changeStatus()] }), screenOf(undefined)),
    ).toContain(
      'the store has started, and gives turns once it has a report of web-1, web-2, at the latest in 3 min (12:03 UTC)\n',
    );
  });

  it('shows jobs of the fleet, with the log of one that failed and the way on', () => {
    const text = renderRollout(
      rolloutStatus({
        changes: [byJob],
        jobs: [
          job({ state: 'failed', message: 'exit code 1', log: ['relation users exists'] }),
          ...[6, 7, 8, 9].map((minutes) => job({ at: minutesBefore(minutes) })),
        ],
      }),
      SCREEN,
    );
    expect(text.slice(text.indexOf('jobs'))).toBe(`jobs
  migrate failed on web-1 5 min ago (11:55 UTC): exit code 1
    │  relation users exists
  migrate is done, by web-1 6 min ago (11:54 UTC)
  migrate is done, by web-1 7 min ago (11:53 UTC)
  migrate is done, by web-1 8 min ago (11:52 UTC)

next
  → supercargo publish production --retry …  once the cause of the job is gone
  → supercargo rollback production           if the version is bad
`);
  });

  it('asks for certainty before a lost job runs on another host', () => {
    const lost = rolloutStatus({ changes: [byJob], jobs: [job({ state: 'lost' })] });
    expect(renderRollout(lost, screenOf(undefined))).toContain(
      '→ supercargo rollout resume production --job-elsewhere --reason …  once migrate has ended on web-1\n',
    );
  });

  it('takes no job of an older change for the cause of a halt', () => {
    const old = rolloutStatus({ changes: [byJob], jobs: [job({ state: 'failed', at: minutesBefore(60) })] });
    expect(renderRollout(old, SCREEN)).toContain('supercargo rollout resume production --reason …  once');
  });

  it.each([80, 100, 160])('fits into %i columns', (columns) => {
    const longest = Math.max(...renderRollout(halted, screenOf(columns)).split('\n').map(visibleWidth));
    expect(longest).toBeLessThanOrEqual(columns);
  });

  it('shows a bar that is full only if every host is good, and not empty if one is', () => {
    const waves = [
      waveStatus({ name: 'a', openedAt: minutesBefore(1), hosts: 1000, good: 999 }),
      waveStatus({ name: 'b', openedAt: minutesBefore(1), hosts: 1000, good: 1, failed: ['x'] }),
      waveStatus({ name: 'c', openedAt: minutesBefore(1), hosts: 0 }),
    ];
    const text = renderRollout(rolloutStatus({ changes: [changeStatus({ waves })] }), SCREEN);
    expect(text).toContain('a  ███████████████████░  999 of');
    expect(text).toContain('b  █▓░░░░░░░░░░░░░░░░░░  1 of');
    expect(text).toContain('c  ░░░░░░░░░░░░░░░░░░░░  no hosts');
  });

  it('lists some of many hosts and counts the others', () => {
    const many = Array.from({ length: 30 }, (_, at) => `web-${String(at + 1)}`);
    const text = renderRollout(
      rolloutStatus({
        changes: [
          changeStatus({
            waves: [waveStatus({ openedAt: minutesBefore(1), hosts: 60, waiting: many })],
            failures: many.map((host) => failureOf({ host })),
          }),
        ],
        holders: many.map((host) => ({ host, service: 'web', state: 'begun', since: null })),
      }),
      SCREEN,
    );
    expect(text).toMatch(/web-7, web-8\s+and 22 more/);
    expect(text.split('\n').filter((line) => line.includes(' failed 1 min ago'))).toHaveLength(10);
    expect(text.split('\n').filter((line) => line.endsWith('switches'))).toHaveLength(20);
    expect(text).toContain('  and 10 more\n');
  });

  it('keeps text from elsewhere on its line, and out of the terminal', () => {
    const evil = 'x\u001B[2J\nproduction: all is finished';
    const text = renderRollout(
      rolloutStatus({
        changes: [changeStatus({ urgent: evil, failures: [failureOf({ message: evil, log: [evil] })] })],
        leftOut: [{ host: 'web-1', reason: evil, by: evil, at: minutesBefore(1) }],
      }),
      screenOf(undefined),
    );
    expect(text.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
    expect(text).not.toMatch(/^production: all/m);
  });
});

describe('the headline of a rollout', () => {
  const other = changeStatus({ serial: 417, entries: [{ entry: 'api', version: '2.0' }] });
  it.each<[string, Partial<ReportedRollout>, RegExp]>([
    ['no pace', { pace: null }, /no pace is published, so each host decides alone/],
    ['no change', {}, /serial 418, nothing to roll out since/],
    [
      'no change, halted',
      { halt: { reason: 'x', by: 'a', at: minutesBefore(1), until: null } },
      /^production is halted by a: x$/,
    ],
    [
      'a finished one',
      { changes: [changeStatus({ state: 'finished' })] },
      /418 \(web 1\.1\.0\) is finished, wave 1 of 1$/,
    ],
    ['one that switches', { changes: [changeStatus()] }, /418 \(web 1\.1\.0\) is under way, wave 1 of 1$/],
    ['two', { changes: [other, changeStatus()] }, /418 .*; 1 other change too$/],
    [
      'an older halted one',
      {
        changes: [
          { ...other, state: 'halted', halted: { reason: 'web-1 failed', at: minutesBefore(1), hosts: [] } },
          changeStatus(),
        ],
      },
      /serial 417 \(api 2\.0\) is halted: web-1 failed$/,
    ],
    [
      'one that waits',
      { changes: [changeStatus({ state: 'waiting' })] },
      /waits: every host of wave 1 of 1 is excused$/,
    ],
    [
      'one that has yet to begin',
      { changes: [changeStatus({ state: 'waiting', waves: [waveStatus()] })] },
      /waits: its first wave is not open yet$/,
    ],
    ['a state of a newer hub', { changes: [changeStatus({ state: 'resting' })] }, /is resting, wave 1 of 1$/],
  ])('is about %s', (_what, change, says) => {
    expect(rolloutHeadline(rolloutStatus(change), SCREEN)).toMatch(says);
  });
});
