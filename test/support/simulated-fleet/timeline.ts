interface Entry {
  readonly atMs: number;
  readonly order: number;
  readonly run: () => void;
}

/** Events in virtual time: equal times keep the order in which they were planned. */
export interface Timeline {
  readonly nowMs: () => number;
  readonly after: (ms: number, run: () => void) => void;
  /** Runs all events up to this time. */
  readonly runUntil: (ms: number) => void;
}

const isBefore = (a: Entry, b: Entry): boolean => a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);

/** A binary heap: thousands of heartbeats wait at the same time. */
const createHeap = (): {
  push: (entry: Entry) => void;
  pop: () => Entry | undefined;
  first: () => Entry | undefined;
} => {
  const items: Entry[] = [];
  const swap = (a: number, b: number): void => {
    const [left, right] = [items[a], items[b]];
    if (!left || !right) return;
    items[a] = right;
    items[b] = left;
  };
  const precedes = (a: number, b: number): boolean => {
    const [left, right] = [items[a], items[b]];
    return left !== undefined && right !== undefined && isBefore(left, right);
  };
  return {
    first: () => items[0],
    push: (entry) => {
      items.push(entry);
      let at = items.length - 1;
      while (at > 0) {
        const parent = (at - 1) >> 1;
        if (!precedes(at, parent)) return;
        swap(at, parent);
        at = parent;
      }
    },
    pop: () => {
      const first = items[0];
      const last = items.pop();
      if (items.length === 0 || !last) return first;
      items[0] = last;
      for (let at = 0; ;) {
        const left = 2 * at + 1;
        const child = precedes(left + 1, left) ? left + 1 : left;
        if (!precedes(child, at)) return first;
        swap(at, child);
        at = child;
      }
    },
  };
};

export const createTimeline = (startMs: number): Timeline => {
  const heap = createHeap();
  let nowMs = startMs;
  let order = 0;
  return {
    nowMs: () => nowMs,
    after: (ms, run) => {
      heap.push({ atMs: nowMs + Math.max(0, ms), order, run });
      order += 1;
    },
    runUntil: (ms) => {
      for (let next = heap.first(); next && next.atMs <= ms; next = heap.first()) {
        heap.pop();
        nowMs = next.atMs;
        next.run();
      }
      nowMs = Math.max(nowMs, ms);
    },
  };
};
