import { describe, expect, it } from 'vitest';
import type { ReportedChange, ReportedRollout } from '../../../../src/core/turns/read-rollout.ts';
import { newsOf, newsOfJobs, type RolloutNews } from '../../../../src/core/turns/rollout-news.ts';
import { changeStatus, failureOf, minutesBefore, waveStatus } from '../../../support/rollout.ts';

const shortOf = (news: RolloutNews): string => {
  if (news.kind === 'wave') return `wave ${String(news.number)}`;
  if (news.kind === 'good') return `good ${news.host}`;
  return news.kind === 'failure' ? `${news.failure.result} ${news.failure.host}` : 'state';
};

const open = { openedAt: minutesBefore(1), hosts: 3 };
const withWave = (wave: Partial<ReportedChange['waves'][number]>, change: Partial<ReportedChange> = {}) =>
  changeStatus({ waves: [waveStatus({ ...open, ...wave })], ...change });
const waiting = withWave({ waiting: ['a', 'b', 'c'] });

describe('the news of a change', () => {
  it.each<[string, ReportedChange | undefined, ReportedChange, readonly string[]]>([
    ['the first reading', undefined, waiting, ['wave 1']],
    ['the same again', waiting, waiting, []],
    ['a host that begins', waiting, withWave({ switching: ['a'], waiting: ['b', 'c'] }), []],
    ['a host that is good', waiting, withWave({ good: 1, waiting: ['b', 'c'] }), ['good a']],
    ['two at once', waiting, withWave({ good: 2, waiting: ['c'] }), ['good a', 'good b']],
    ['a host that is gone', waiting, withWave({ hosts: 2, waiting: ['b', 'c'] }), []],
    [
      'a host that failed',
      waiting,
      withWave({ failed: ['a'], waiting: ['b', 'c'] }, { failures: [failureOf({ host: 'a' })] }),
      ['failed a'],
    ],
    [
      'a host that is lost, and then fails',
      withWave({}, { failures: [failureOf({ host: 'a', result: 'lost' })] }),
      withWave({}, { failures: [failureOf({ host: 'a' })] }),
      ['failed a'],
    ],
    ['a forgiven one', waiting, withWave({}, { failures: [failureOf({ forgiven: true })] }), []],
    [
      'another wave',
      withWave({ good: 3 }),
      changeStatus({ waves: [waveStatus({ ...open, good: 3 }), waveStatus({ ...open, waiting: ['d'] })] }),
      ['wave 2'],
    ],
    ['a soak', waiting, withWave({ waiting: ['a', 'b', 'c'] }, { state: 'soaking' }), ['state']],
    ['a halt at the first reading', undefined, withWave({}, { state: 'halted' }), ['wave 1', 'state']],
    ['a resume', withWave({}, { state: 'halted' }), withWave({}), ['state']],
  ])('of %s', (_what, before, after, news) => {
    expect(newsOf(before, after).map(shortOf)).toEqual(news);
  });
});

const job = (change: Partial<ReportedRollout['jobs'][number]> = {}): ReportedRollout['jobs'][number] => ({
  job: 'migrate',
  digest: 'sha256:2',
  attempt: 0,
  state: 'running',
  host: 'web-1',
  at: minutesBefore(5),
  message: null,
  log: [],
  ...change,
});
const old = job({ digest: 'sha256:1', state: 'done', at: minutesBefore(600) });

describe('the news of jobs', () => {
  it.each<[string, Parameters<typeof newsOfJobs>[0], Parameters<typeof newsOfJobs>[1], readonly string[]]>([
    ['at the first reading those since the change', undefined, [job(), old], ['running']],
    ['none where nothing happened', [job(), old], [job(), old], []],
    ['a start', [old], [job(), old], ['running']],
    ['an end', [job()], [job({ state: 'done', at: minutesBefore(1) })], ['done']],
    ['a failure', [job()], [job({ state: 'failed' })], ['failed']],
    [
      'the next attempt, after what became of the one before',
      [],
      [job({ attempt: 1 }), job({ state: 'lost' })],
      ['lost', 'running'],
    ],
    ['the run on another host', [job({ state: 'lost' })], [job({ host: 'web-2' })], ['running']],
  ])('are %s', (_what, before, after, states) => {
    expect(newsOfJobs(before, after, [changeStatus()]).map(({ state }) => state)).toEqual(states);
  });
});
