/** Caches one value until it is forgotten. */
export interface Cache<T> {
  readonly get: (ask: () => Promise<T>) => Promise<T>;
  readonly forget: () => void;
}

/** A result whose fetch began before forget() is returned but not cached. */
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
