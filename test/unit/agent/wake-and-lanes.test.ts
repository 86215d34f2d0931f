import { describe, expect, it } from 'vitest';
import { createLanes } from '../../../src/agent/lanes.ts';
import { createWake } from '../../../src/agent/wake.ts';
import type { Action } from '../../../src/core/plan/action.ts';

const signal = new AbortController().signal;
const forget: readonly Action[] = [{ kind: 'forget' }];

/** Asleep where it has not returned before anything else can happen. */
const stateOf = async (sleeping: Promise<void>): Promise<string> =>
  Promise.race([
    sleeping.then(() => 'awake'),
    new Promise<string>((resolve) => setImmediate(resolve, 'asleep')),
  ]);

describe('a wake', () => {
  it('that is called while nobody sleeps is not lost', async () => {
    const wake = createWake();
    wake.call();
    expect(await stateOf(wake.sleep(60_000, signal))).toBe('awake');
    const next = wake.sleep(60_000, signal);
    expect(await stateOf(next)).toBe('asleep');
    wake.call();
    await next;
  });

  it('ends a sleep when it is called, and when the signal aborts', async () => {
    const wake = createWake();
    const sleeping = wake.sleep(60_000, signal);
    expect(await stateOf(sleeping)).toBe('asleep');
    wake.call();
    expect(await stateOf(sleeping)).toBe('awake');
    const ended = new AbortController();
    const another = wake.sleep(60_000, ended.signal);
    ended.abort();
    expect(await stateOf(another)).toBe('awake');
  });
});

describe('a lane', () => {
  it('does one thing at a time, others go on beside it', async () => {
    const lanes = createLanes(() => undefined);
    const { promise, resolve } = Promise.withResolvers<void>();
    const observation = lanes.nextObservation();
    expect(lanes.start('web', observation, forget, () => promise)).toBe(true);
    expect(lanes.start('web', lanes.nextObservation(), forget, async () => Promise.resolve())).toBe(false);
    expect(lanes.start('db', observation, forget, async () => Promise.resolve())).toBe(true);
    resolve();
    await lanes.close(1_000);
    expect(lanes.isBusy()).toBe(false);
  });

  it('takes no work that was planned on an observation from before its last work ended', async () => {
    const lanes = createLanes(() => undefined);
    const observation = lanes.nextObservation();
    const { promise, resolve } = Promise.withResolvers<void>();
    lanes.start('web', observation, forget, () => promise);
    const during = lanes.nextObservation();
    resolve();
    await lanes.close(1_000);
    expect(lanes.start('web', during, forget, async () => Promise.resolve())).toBe(false);
    expect(lanes.start('web', lanes.nextObservation(), forget, async () => Promise.resolve())).toBe(true);
    await lanes.close(1_000);
  });

  it('tells its work to end when it is closed, and waits no longer than it may', async () => {
    const lanes = createLanes(() => undefined);
    const seen: boolean[] = [];
    const never = Promise.withResolvers<void>();
    lanes.start('web', lanes.nextObservation(), forget, async (aborted) => {
      aborted.addEventListener('abort', () => seen.push(true));
      await never.promise;
    });
    await lanes.close(1);
    expect(seen).toEqual([true]);
    never.resolve();
  });
});

describe('work that is set aside', () => {
  it('frees its lane for what is planned after that, and counts until it ends', async () => {
    const woken: number[] = [];
    const lanes = createLanes(() => void woken.push(1));
    const { promise, resolve } = Promise.withResolvers<void>();
    lanes.start('web', lanes.nextObservation(), forget, () => promise);
    lanes.setAside('web');
    expect([woken.length, lanes.aside(), lanes.isBusy()]).toEqual([1, forget, true]);
    expect(lanes.start('web', lanes.nextObservation(), forget, async () => Promise.resolve())).toBe(true);
    const during = lanes.nextObservation();
    resolve();
    await lanes.close(1_000);
    expect([lanes.aside(), lanes.isBusy()]).toEqual([[], false]);
    expect(lanes.start('web', during, forget, async () => Promise.resolve())).toBe(false);
  });
});
