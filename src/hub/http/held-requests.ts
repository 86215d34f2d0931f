/** The longest wait that `Prefer: wait=N` gets. */
export const LONGEST_WAIT_SECONDS = 300;

/** How a wait ended: the topic changed, the time is over, or the hub shuts down. */
export type WaitEnd = 'changed' | 'over' | 'closing';

/** Long polls that wait for a change of a topic. */
export interface Waiting {
  /** Calls `onEnd` once, at once if the hub shuts down, unless the returned function is called first. */
  readonly hold: (topic: string, seconds: number, onEnd: (end: WaitEnd) => void) => () => void;
  /** Ends the waits of a topic, or of the first `most` of them. */
  readonly wake: (topic: string, most?: number) => void;
  readonly held: () => number;
  /** Ends every wait, also those that begin later. */
  readonly close: () => void;
}

interface Waiter {
  readonly topic: string;
  readonly slot: Set<Waiter>;
  readonly onEnd: (end: WaitEnd) => void;
}

const TICK_MS = 1000;

/**
 * A timer wheel: one slot for each second ahead, and one interval that runs only while a request is held. A
 * wait may last up to a second longer than asked for, never less.
 */
export const createWaiting = (longestSeconds: number): Waiting => {
  const slots = Array.from({ length: longestSeconds + 2 }, () => new Set<Waiter>());
  const topics = new Map<string, Set<Waiter>>();
  const state: { ticks: number; held: number; isClosed: boolean; timer: NodeJS.Timeout | undefined } = {
    ticks: 0,
    held: 0,
    isClosed: false,
    timer: undefined,
  };
  const slotAfter = (seconds: number): Set<Waiter> => {
    const slot = slots[(state.ticks + seconds) % slots.length];
    if (slot === undefined) throw new Error('a wheel without slots');
    return slot;
  };
  const drop = (waiter: Waiter): boolean => {
    if (!waiter.slot.delete(waiter)) return false;
    const others = topics.get(waiter.topic);
    others?.delete(waiter);
    if (others?.size === 0) topics.delete(waiter.topic);
    state.held -= 1;
    if (state.held === 0) {
      clearInterval(state.timer);
      state.timer = undefined;
    }
    return true;
  };
  const end = (waiters: ReadonlySet<Waiter>, how: WaitEnd, most?: number): void => {
    // A copy, because a woken request may start to wait again at once, for the next change.
    const all = [...waiters].slice(0, most);
    for (const waiter of all) if (drop(waiter)) waiter.onEnd(how);
  };
  const tick = (): void => {
    state.ticks += 1;
    end(slotAfter(0), 'over');
  };
  return {
    hold: (topic, seconds, onEnd) => {
      if (state.isClosed) {
        onEnd('closing');
        return () => undefined;
      }
      state.timer ??= setInterval(tick, TICK_MS);
      // One slot more, because the current tick is not a whole second.
      const slot = slotAfter(Math.min(seconds, longestSeconds) + 1);
      const waiter: Waiter = { topic, slot, onEnd };
      slot.add(waiter);
      const others = topics.get(topic);
      if (others) others.add(waiter);
      else topics.set(topic, new Set([waiter]));
      state.held += 1;
      return () => void drop(waiter);
    },
    wake: (topic, most) => end(topics.get(topic) ?? new Set(), 'changed', most),
    held: () => state.held,
    close: () => {
      state.isClosed = true;
      for (const slot of slots) end(slot, 'closing');
    },
  };
};
