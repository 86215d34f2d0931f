/** One answer that is asked for once, until it is forgotten. */
export interface Cache<T> {
  readonly get: (ask: () => Promise<T>) => Promise<T>;
  readonly forget: () => void;
}

/** An answer that was under way when it was forgotten is of before: it is given, and not kept. */
export const createCache = <T>(): Cache<T> => {
  let kept: { readonly value: T } | undefined;
  let times = 0;
  return {
    get: async (ask) => {
      if (kept) return kept.value;
      const before = times;
      const value = await ask();
      if (before === times) kept = { value };
      return value;
    },
    forget: () => {
      kept = undefined;
      times += 1;
    },
  };
};
