import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { createReporter, type Send } from '../../../src/agent/reporter.ts';
import { AgentError } from '../../../src/core/errors.ts';
import type { Delivery } from '../../../src/core/ports/report-sink.ts';

const away: Delivery = { kind: 'failed', error: new AgentError('STORE', 'away') };
const delivered: Delivery = { kind: 'delivered' };

/** A host whose state is a word, and a store that answers as it is told; times are seconds since the start. */
const createScene = (host = 'web-1') => {
  const startMs = performance.now();
  const second = (): number => Math.round((performance.now() - startMs) / 100) / 10;
  const scene = {
    now: 'a',
    answer: async (): Promise<Delivery> => Promise.resolve(delivered),
    sent: [] as (readonly [string, number])[],
    told: [] as string[],
    random: 0.5,
    ended: new AbortController(),
  };
  const reporter = createReporter({
    host,
    random: () => scene.random,
    current: () => {
      const word = scene.now;
      const send: Send = async (signal) => {
        scene.sent.push([word, second()]);
        const aborted = new Promise<never>((_, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')), { once: true });
        });
        return Promise.race([scene.answer(), aborted]);
      };
      return { fingerprint: word, send };
    },
    onFailure: ({ message }) => scene.told.push(message),
    onRecovery: () => scene.told.push('back'),
    onDelivery: () => undefined,
  });
  const become = (word: string): void => {
    scene.now = word;
    reporter.see(word);
  };
  const running = reporter.run(scene.ended.signal);
  const end = async (): Promise<void> => {
    scene.ended.abort();
    await running;
  };
  return Object.assign(scene, { reporter, become, end });
};

const pass = async (seconds: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(seconds * 1000);
};
const never = async (): Promise<Delivery> => new Promise(() => undefined);

/** When a host gives signs of life in its first five minutes. */
const beats = async (host: string): Promise<readonly number[]> => {
  const s = createScene(host);
  s.become('a');
  await pass(60 * 5);
  await s.end();
  return s.sent.slice(1).map(([, at]) => at);
};

describe('a reporter', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('says nothing before it has seen something', async () => {
    const s = createScene();
    await pass(300);
    expect(s.sent).toEqual([]);
    await s.end();
  });

  it('tells a change at once, and the newest of those that follow after two seconds', async () => {
    const s = createScene();
    s.become('a');
    await pass(0);
    for (const word of ['b', 'c', 'd']) {
      s.become(word);
      await pass(0.1);
    }
    await pass(5);
    expect(s.sent).toEqual([
      ['a', 0],
      ['d', 2],
    ]);
    await s.end();
  });

  it('tells nothing that has gone back to what is known', async () => {
    const s = createScene();
    s.become('a');
    await pass(0.1);
    s.become('b');
    s.become('a');
    await pass(5);
    expect(s.sent).toEqual([['a', 0]]);
    await s.end();
  });

  it('gives a sign of life once a minute, each host at its own second', async () => {
    const [one, two] = [await beats('web-1'), await beats('web-2')];
    for (const times of [one, two]) {
      expect(times.length).toBeGreaterThanOrEqual(4);
      const gaps = times.slice(1).map((at, index) => Math.round(at - (times[index] ?? 0)));
      expect(new Set(gaps)).toEqual(new Set([60]));
      expect(times[0]).toBeGreaterThanOrEqual(30);
      expect(times[0]).toBeLessThanOrEqual(90);
    }
    expect(Math.round((one[0] ?? 0) % 60)).not.toBe(Math.round((two[0] ?? 0) % 60));
  });

  it('keeps only the newest while nobody takes it, backs off, and says once that it fails and once that it is over', async () => {
    const s = createScene();
    s.answer = async () => Promise.resolve(away);
    s.random = 0.999;
    s.become('a');
    await pass(40);
    expect(s.sent.map(([, at]) => Math.round(at))).toEqual([0, 2, 6, 14, 30]);
    expect([s.told, s.reporter.failure()?.message]).toEqual([['away'], 'away']);
    s.become('b');
    s.become('c');
    await pass(1);
    expect(s.sent).toHaveLength(5);
    s.answer = async () => Promise.resolve(delivered);
    await pass(120);
    expect(s.sent.slice(5).map(([word]) => word)[0]).toBe('c');
    expect([s.told, s.reporter.failure()]).toEqual([['away', 'back'], undefined]);
    await s.end();
  });

  it('never tries more often than every two seconds, and not before the time that it is asked to wait', async () => {
    const s = createScene();
    s.random = 0;
    s.answer = async () => Promise.resolve(away);
    s.become('a');
    await pass(5);
    expect(s.sent.map(([, at]) => at)).toEqual([0, 2, 4]);
    s.answer = async () => Promise.resolve({ ...away, retryAfterMs: 30_000 });
    await pass(2);
    expect(s.sent).toHaveLength(4);
    await pass(28);
    expect(s.sent).toHaveLength(4);
    await pass(3);
    expect(s.sent).toHaveLength(5);
    await s.end();
  });

  it('sends one at a time: a store that hangs gets the newest when it is over', async () => {
    const s = createScene();
    const { promise, resolve } = Promise.withResolvers<Delivery>();
    s.answer = async () => promise;
    s.become('a');
    await pass(1);
    s.become('b');
    await pass(10);
    expect(s.sent).toHaveLength(1);
    resolve(delivered);
    await pass(0.1);
    expect(s.sent.map(([word]) => word)).toEqual(['a', 'b']);
    await s.end();
  });

  it('tells the last change at the end, also one that was under way', async () => {
    const s = createScene();
    s.answer = never;
    s.become('a');
    await pass(0.1);
    await s.end();
    s.answer = async () => Promise.resolve(delivered);
    await s.reporter.close(1_000);
    await s.reporter.close(1_000);
    expect(s.sent.map(([word]) => word)).toEqual(['a', 'a']);
  });

  it.each([
    ['is told already', delivered, 1],
    ['nobody takes', away, 1],
  ])('says nothing at the end that %s', async (_what, answer, count) => {
    const s = createScene();
    s.answer = async () => Promise.resolve(answer);
    s.become('a');
    await pass(0.1);
    await s.end();
    await s.reporter.close(1_000);
    expect(s.sent).toHaveLength(count);
  });

  it('goes on where a look goes wrong', async () => {
    const s = createScene();
    s.answer = async () => Promise.reject(new Error('a fault of ours'));
    s.become('a');
    await pass(3);
    s.answer = async () => Promise.resolve(delivered);
    await pass(3);
    expect(s.sent.map(([, at]) => at)).toEqual([0, 2, 4]);
    await s.end();
  });
});
