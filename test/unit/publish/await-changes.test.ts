import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/core/errors.ts';
import type { ReportedRollout } from '../../../src/core/turns/read-rollout.ts';
import { awaitChanges } from '../../../src/publish/await-changes.ts';
import { changeStatus, rolloutStatus, ROLLOUT_AT, waveStatus } from '../../support/rollout.ts';
import { scriptedRollouts } from '../../support/scripted-rollouts.ts';

const rolloutOf = (...changes: ReportedRollout['changes']): ReportedRollout => rolloutStatus({ changes });
const change = changeStatus({ serial: 3, entries: [{ entry: 'web', version: '3' }] });
const halted = { reason: 'failed on web-1', at: '2026-11-23T10:00:00Z', hosts: ['web-1'] };

const waitOver = async (script: readonly (ReportedRollout | 'no-turns' | Error)[]) => {
  const texts: string[] = [];
  let nowMs = 0;
  let polls = 0;
  const rollouts = scriptedRollouts(() => {
    const next = script[Math.min(polls, script.length - 1)];
    polls += 1;
    if (next instanceof Error) throw next;
    return next ?? 'no-turns';
  });
  const clock = {
    now: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const options = {
    rollouts,
    environment: 'staging',
    changes: [change],
    timeoutMs: 60_000,
    onProgress: (text: string) => texts.push(text),
  };
  await awaitChanges(options, clock, new AbortController().signal);
  return { texts, polls, nowMs };
};

describe('a wait for the end of a change', () => {
  it('ends when it is finished, and says each step once', async () => {
    const further = rolloutOf({
      ...change,
      waves: [waveStatus({ openedAt: ROLLOUT_AT, hosts: 2, good: 1 })],
    });
    const script = [rolloutOf(change), further, further];
    const { texts, polls } = await waitOver([...script, rolloutOf({ ...change, state: 'finished' })]);
    expect([texts, polls]).toEqual([
      [
        'serial 3 (web 3): in wave 100% 0 of 1 hosts are good',
        'serial 3 (web 3): in wave 100% 1 of 2 hosts are good',
      ],
      4,
    ]);
  });

  it('ends when another publish has overtaken it, or the store hands out no turns any more', async () => {
    expect((await waitOver([rolloutOf(changeStatus({ serial: 4 }))])).polls).toBe(1);
    expect((await waitOver(['no-turns'])).polls).toBe(1);
  });

  it('fails when it is halted, by itself or by a person', async () => {
    const failed = rolloutOf({ ...change, state: 'halted', halted });
    await expect(waitOver([rolloutOf(change), failed])).rejects.toMatchObject({
      code: 'HALTED',
      message: 'serial 3 (web 3) is halted: failed on web-1',
    });
    const halt = { reason: 'a look first', by: 'ann', at: '2026-11-23T10:00:00Z', until: null };
    const stopped = rolloutStatus({ changes: [{ ...change, state: 'halted' }], halt });
    await expect(waitOver([stopped])).rejects.toMatchObject({ message: /is halted: a look first$/ });
  });

  it('is not ended by a store that is away for a moment', async () => {
    const away = new AgentError('STORE', 'cannot read it', { retry: 'later' });
    expect((await waitOver([away, away, rolloutOf()])).polls).toBe(3);
    await expect(waitOver([new AgentError('STORE', 'no access')])).rejects.toThrow('no access');
  });

  it('fails when the time is over', async () => {
    await expect(waitOver([rolloutOf(change)])).rejects.toMatchObject({
      code: 'TIMED_OUT',
      message: 'serial 3 (web 3) has not ended in time',
    });
  });
});
