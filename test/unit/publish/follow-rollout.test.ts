import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/core/errors.ts';
import type { HostReport } from '../../../src/core/fleet/host-report.ts';
import { DEFAULT_PACE, type Pace } from '../../../src/core/manifest/pace.ts';
import type { ReportedRollout } from '../../../src/core/turns/read-rollout.ts';
import type { Status } from '../../../src/core/status/status-document.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { followRollout, type Followed, type FollowOptions } from '../../../src/publish/follow-rollout.ts';
import { fleetOfReports } from '../../support/fleet-of-reports.ts';
import { createMemoryStore } from '../../support/memory-store.ts';
import { changeStatus, minutesBefore, rolloutStatus, waveStatus } from '../../support/rollout.ts';
import { hostStatus, NOW_MS, serviceStatus } from '../../support/status.ts';
import { ENVIRONMENT, manifest } from '../../support/world.ts';

type Answer = ReportedRollout | 'no-turns' | AgentError;

const MINUTE = 60_000;
const targetWith = (pace: Partial<Pace> = {}): FollowOptions['target'] => ({
  ...manifest({ web: 'org/web:1.1.0' }, { serial: 418 }),
  pace: { ...DEFAULT_PACE, ...pace },
});

interface Script extends Partial<FollowOptions> {
  readonly reports?: readonly (readonly HostReport[])[];
}

/** Follows a script of answers, the last of which stays; every sleep passes at once. */
const follow = async (
  answers: readonly Answer[],
  { reports = [[]], ...change }: Script = {},
): Promise<
  Followed & { readonly tookMs: number; readonly begun: readonly unknown[]; readonly asked: number }
> => {
  let nowMs = NOW_MS;
  let [asked, looked] = [0, 0];
  const begun: unknown[] = [];
  const rollouts = {
    status: async () => {
      const answer = answers[Math.min(asked, answers.length - 1)] ?? 'no-turns';
      asked += 1;
      return answer instanceof AgentError ? Promise.reject(answer) : Promise.resolve(answer);
    },
    command: () => Promise.reject(new Error('a wait gives no command')),
  };
  const view = {
    ...createEnvironmentStore(createMemoryStore(), ENVIRONMENT, undefined),
    fleet: fleetOfReports(
      () => {
        const look = reports[Math.min(looked, reports.length - 1)] ?? [];
        looked += 1;
        return look.map((report) => ({ ...report, seenAtMs: nowMs }));
      },
      () => nowMs,
    ),
  };
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const options: FollowOptions = {
    target: targetWith(),
    hosts: undefined,
    where: undefined,
    which: 'all',
    timeoutMs: undefined,
    onBegin: (followed, time) => begun.push([followed.map(({ serial }) => serial), time?.totalMs]),
    onPoll: () => undefined,
    ...change,
  };
  const followed = await followRollout({ rollouts, view }, options, clock, new AbortController().signal);
  return { ...followed, tookMs: nowMs - NOW_MS, begun, asked };
};

const at = (state: string, serial = 418): ReportedRollout =>
  rolloutStatus({ serial: Math.max(418, serial), changes: [changeStatus({ serial, state })] });
const before = rolloutStatus({ serial: 417 });
const away = new AgentError('STORE', 'cannot read it', { retry: 'later' });

describe('following the change of a serial', () => {
  it.each<[string, readonly Answer[], string]>([
    ['is finished', [at('switching'), at('soaking'), at('finished')], 'finished'],
    ['is halted', [at('switching'), at('halted')], 'halted'],
    ['is halted, and then its time would be over', [at('halted')], 'halted'],
    ['is made only after a while', [before, before, at('switching'), at('finished')], 'finished'],
    ['was away for a moment', [at('switching'), away, away, at('finished')], 'finished'],
    ['was overtaken', [at('switching'), at('switching', 419)], 'superseded'],
    ['was overtaken before it was seen', [before, at('switching', 419)], 'superseded'],
    [
      'is overtaken by a serial without versions',
      [at('switching'), rolloutStatus({ serial: 419 })],
      'superseded',
    ],
    ['never ends', [at('switching')], 'timed-out'],
    ['waits for excused hosts', [at('waiting')], 'timed-out'],
    ['has a state of a newer hub', [at('resting')], 'timed-out'],
    ['is never made', [before], 'timed-out'],
  ])('ends where it %s', async (_what, answers, outcome) => {
    expect((await follow(answers)).outcome).toBe(outcome);
  });

  it('looks at no other change', async () => {
    const other = changeStatus({ serial: 417, state: 'halted' });
    const both = rolloutStatus({ changes: [other, changeStatus({ state: 'finished' })] });
    expect((await follow([both])).outcome).toBe('finished');
  });

  it('looks at those that are unfinished if the serial changed no version', async () => {
    const [open, halted] = [at('switching', 417), at('halted', 417)];
    expect(await follow([open, rolloutStatus()])).toMatchObject({ outcome: 'finished', asked: 2 });
    expect(await follow([open, halted])).toMatchObject({ outcome: 'halted' });
    expect(await follow([rolloutStatus()])).toMatchObject({ outcome: 'finished', asked: 1 });
  });

  it('waits as long as the change may take by its pace, unless a time is given', async () => {
    const waves = [
      waveStatus({ name: 'canary=true', hosts: 2 }),
      waveStatus({ name: '10%', hosts: 10 }),
      waveStatus({ name: '100%', hosts: 100 }),
    ];
    const slow = rolloutStatus({ changes: [changeStatus({ waves })] });
    const target = targetWith({ maxParallel: { percent: 10 }, soakSeconds: 300, turnSeconds: 900 });
    // 1 + 1 + 10 rounds, 3 soaks, and the time to prepare.
    const totalMs = (12 * 15 + 3 * 5 + 10) * MINUTE;
    const whole = await follow([slow], { target });
    expect([whole.outcome, whole.tookMs, whole.begun]).toEqual(['timed-out', totalMs, [[[418], totalMs]]]);
    const urgent = rolloutStatus({ changes: [changeStatus({ urgent: 'fire', waves: waves.slice(2) })] });
    expect((await follow([urgent], { target })).tookMs).toBe((10 * 15 + 10) * MINUTE);
    const short = await follow([slow], { target, timeoutMs: 5 * MINUTE });
    expect([short.tookMs, short.begun]).toEqual([5 * MINUTE, [[[418], undefined]]]);
    expect((await follow([before], { target })).tookMs).toBe(10 * MINUTE);
  });

  it('says at the end why the store could not be read', async () => {
    expect(await follow([at('switching'), away])).toMatchObject({
      outcome: 'timed-out',
      trouble: 'cannot read it',
    });
  });

  it('is an error where the store hands out no turns any more', async () => {
    await expect(follow([at('switching'), 'no-turns'])).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/hands out no turns any more$/) as string,
    });
  });

  it('ends with the reason of an abort', async () => {
    const aborted = AbortSignal.abort(new Error('enough'));
    const rollouts = {
      status: () => Promise.reject(new Error('x')),
      command: () => Promise.reject(new Error('x')),
    };
    const view = createEnvironmentStore(createMemoryStore(), ENVIRONMENT, undefined);
    const none = { onBegin: () => undefined, onPoll: () => undefined };
    const options = {
      target: targetWith(),
      hosts: undefined,
      where: undefined,
      which: 'all' as const,
      timeoutMs: undefined,
      ...none,
    };
    const clock = { now: () => 0, sleep: () => Promise.resolve() };
    await expect(followRollout({ rollouts, view }, options, clock, aborted)).rejects.toThrow('enough');
  });
});

const report = (host: string, change: Partial<Status> = {}): HostReport => ({
  host,
  seenAtMs: 0,
  status: hostStatus({ host, ...change }),
});

describe('waiting for some hosts of a change', () => {
  const late = { manifest: { ...hostStatus().manifest, serial: 417 } };
  const failed: Partial<Status> = {
    outcome: 'rolled-back',
    services: [serviceStatus({ outcome: 'rolled-back' })],
  };
  const canary = { labels: { canary: 'true' } };
  const where = { canary: 'true' };

  it.each<[string, readonly Answer[], readonly (readonly HostReport[])[], string]>([
    [
      'all of them run it',
      [at('switching')],
      [[report('a', { ...late, ...canary })], [report('a', canary), report('b', late)]],
      'converged',
    ],
    ['they run it although it was halted since', [at('halted')], [[report('a', canary)]], 'converged'],
    ['it is halted first', [at('halted')], [[report('a', { ...late, ...canary })]], 'halted'],
    [
      'one failed, which the pace tolerates',
      [at('switching')],
      [[report('a', canary), report('b', { ...failed, ...canary })]],
      'failed',
    ],
    ['no host has the labels any more', [at('finished')], [[report('b')]], 'timed-out'],
  ])('ends where %s', async (_what, answers, reports, outcome) => {
    expect((await follow(answers, { reports, where })).outcome).toBe(outcome);
  });

  it('counts a named host that never reported', async () => {
    const reports = [[report('a')]];
    expect((await follow([at('finished')], { reports, hosts: ['a', 'z'] })).outcome).toBe('timed-out');
    expect((await follow([at('switching')], { reports, hosts: ['a'] })).outcome).toBe('converged');
  });
});

describe('the halt of a person', () => {
  it('ends the wait like any other', async () => {
    const halt = { reason: 'sale', by: 'anna', at: minutesBefore(1), until: null };
    expect((await follow([{ ...at('halted'), halt }])).outcome).toBe('halted');
  });
});
