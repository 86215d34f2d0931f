import { describe, expect, it } from 'vitest';
import { createOneAtATime } from '../../../src/core/one-at-a-time.ts';

const { signal } = new AbortController();

/** Work that ends when it is told to; `log` has what began and ended, in order. */
const works = () => {
  const log: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const work = (name: string) => async (): Promise<string> => {
    log.push(`${name} begins`);
    const { promise, resolve, reject } = Promise.withResolvers<undefined>();
    ends.set(name, (error) => (error ? reject(error) : resolve(undefined)));
    await promise.finally(() => log.push(`${name} ends`));
    return name;
  };
  return { log, work, end: (name: string, error?: Error) => ends.get(name)?.(error) };
};

describe('work that is done one at a time', () => {
  it('goes one after the other for one key, and side by side for others', async () => {
    const { log, work, end } = works();
    const inTurn = createOneAtATime();
    const [a, b, c] = [
      inTurn('x', work('a'), signal),
      inTurn('x', work('b'), signal),
      inTurn('y', work('c'), signal),
    ];
    end('c');
    expect(await c).toBe('c');
    end('a');
    expect(await a).toBe('a');
    await expect.poll(() => log).toContain('b begins');
    end('b');
    expect(await b).toBe('b');
    expect(log).toEqual(['a begins', 'c begins', 'c ends', 'a ends', 'b begins', 'b ends']);
  });

  it('goes on after a failure, which only its own caller hears of', async () => {
    const { work, end } = works();
    const inTurn = createOneAtATime();
    const [a, b] = [inTurn('x', work('a'), signal), inTurn('x', async () => Promise.resolve('b'), signal)];
    end('a', new Error('broken'));
    await expect(a).rejects.toThrow('broken');
    expect(await b).toBe('b');
  });

  it('is given up by who is aborted, at once, and nobody behind passes who is at work', async () => {
    const { log, work, end } = works();
    const inTurn = createOneAtATime();
    const leaving = new AbortController();
    const a = inTurn('x', work('a'), signal);
    const b = inTurn('x', work('b'), leaving.signal);
    const c = inTurn('x', async () => Promise.resolve('c'), signal);
    leaving.abort(new Error('left'));
    await expect(b).rejects.toThrow('left');
    expect(log).toEqual(['a begins']);
    end('a');
    expect(await a).toBe('a');
    expect(await c).toBe('c');
  });
});
