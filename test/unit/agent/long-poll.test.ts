import { describe, expect, it } from 'vitest';
import { createFollow, type FollowTimes } from '../../../src/agent/long-poll.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { Held } from '../../../src/core/ports/manifest-source.ts';
import { eventually } from '../../support/poll.ts';

const failed: Held = { kind: 'failed', error: new AgentError('MANIFEST_UNREACHABLE', 'away') };
const news: Held = { kind: 'document', bytes: Buffer.from('new') };

/** A source that answers what is handed to it, one for each long poll. */
const createScene = (times: FollowTimes) => {
  const ended = new AbortController();
  const polls: PromiseWithResolvers<Held | undefined>[] = [];
  let newsCount = 0;
  const follow = createFollow(
    { random: () => 0.99 },
    {
      hold: async (signal) => {
        const poll = Promise.withResolvers<Held | undefined>();
        signal.addEventListener('abort', () => poll.reject(new Error('ended')), { once: true });
        polls.push(poll);
        return poll.promise;
      },
    },
    () => {
      newsCount += 1;
    },
    times,
  );
  const running = follow.run(ended.signal);
  const polled = async (count: number): Promise<void> => {
    const describeIt = (): string => `${String(count)} long polls, there were ${String(polls.length)}`;
    await eventually(() => polls.length >= count, { everyMs: 2, describe: describeIt });
  };
  /** Answers the long poll that is open, the first being 1. */
  const answer = async (number: number, held: Held | undefined): Promise<void> => {
    await polled(number);
    polls[number - 1]?.resolve(held);
  };
  const end = async (): Promise<number> => {
    ended.abort();
    await running;
    return polls.length;
  };
  return { follow, polls, polled, answer, end, running, news: () => newsCount };
};

const QUICK: FollowTimes = { baseMs: 2, capMs: 4, restMs: 5 };
const SLOW: FollowTimes = { baseMs: 3_600_000, capMs: 3_600_000, restMs: 3_600_000 };

describe('following the manifest', () => {
  it('keeps a long poll open, and tells of news', async () => {
    const s = createScene(SLOW);
    await s.answer(1, news);
    await s.answer(2, news);
    await s.polled(3);
    expect([s.news(), s.follow.isFollowing()]).toEqual([2, true]);
    expect(await s.end()).toBe(3);
  });

  it('does nothing where the source cannot be followed', async () => {
    const s = createScene(QUICK);
    await s.answer(1, undefined);
    await s.running;
    expect([s.polls.length, s.follow.isFollowing()]).toEqual([1, false]);
  });

  it('is no reason to leave out polls before the server has shown that it holds', async () => {
    const s = createScene(SLOW);
    await s.polled(1);
    expect(s.follow.isFollowing()).toBe(false);
    await s.end();
  });

  it('waits for a first read', async () => {
    const s = createScene(SLOW);
    await s.answer(1, { kind: 'unready' });
    await eventually(() => !s.follow.isFollowing(), { describe: () => 'nothing is followed' });
    s.follow.see();
    await s.answer(2, news);
    await s.polled(3);
    expect(await s.end()).toBe(3);
  });

  it('asks again at once after a look came between', async () => {
    const s = createScene(SLOW);
    await s.answer(1, { kind: 'interrupted' });
    await s.polled(2);
    expect(s.follow.isFollowing()).toBe(false);
    await s.end();
  });

  it.each<[string, Held]>([
    ['a server that does not hold requests', { kind: 'unsupported' }],
    ['a server that is away', failed],
    ['a server that answers at once, whatever it says', { kind: 'unchanged' }],
    ['a server that wishes to be left alone', { ...failed, retryAfterMs: 3_600_000 }],
  ])('leaves %s alone for a while', async (_what, held) => {
    const s = createScene({ ...SLOW, ...('retryAfterMs' in held && { baseMs: 1, capMs: 1 }) });
    await s.answer(1, held);
    // Everything that is done without a rest is done by then.
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect([s.polls.length, s.follow.isFollowing()]).toEqual([1, false]);
    expect(await s.end()).toBe(1);
  });

  it.each<[string, Held]>([
    ['a server that did not hold requests', { kind: 'unsupported' }],
    ['a server that was away', failed],
  ])('tries %s again', async (_what, held) => {
    const s = createScene(QUICK);
    await s.answer(1, held);
    await s.answer(2, news);
    await s.polled(3);
    expect(s.follow.isFollowing()).toBe(true);
    await s.end();
  });

  it('slows down where there is news without end', async () => {
    const s = createScene(SLOW);
    for (const number of [1, 2, 3, 4]) await s.answer(number, news);
    for (let turn = 0; turn < 20; turn += 1) await new Promise(setImmediate);
    expect(s.polls).toHaveLength(4);
    await s.end();
  });
});
