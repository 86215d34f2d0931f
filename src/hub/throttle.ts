/**
 * Calls back at the first signal of a name, then at most each time `everyMs` has passed, and once more after the last
 * signal: a deploy on five thousand hosts wakes its watchers a few times a second, not five thousand times.
 */
export const createThrottle = (
  everyMs: number | ((name: string) => number),
  onCall: (name: string) => void,
) => {
  const resting = new Map<string, { timer: NodeJS.Timeout; again: boolean }>();
  const beat = (name: string): void => {
    const timer = setTimeout(
      () => {
        const isDue = resting.get(name)?.again === true;
        resting.delete(name);
        if (isDue) beat(name);
      },
      typeof everyMs === 'number' ? everyMs : everyMs(name),
    );
    timer.unref();
    resting.set(name, { timer, again: false });
    onCall(name);
  };
  return {
    signal: (name: string): void => {
      const rest = resting.get(name);
      if (rest) rest.again = true;
      else beat(name);
    },
    close: (): void => {
      for (const { timer } of resting.values()) clearTimeout(timer);
      resting.clear();
    },
  };
};
