/**
 * Drops undefined members: a missing key leaves the choice to the engine, and `exactOptionalPropertyTypes`
 * demands it.
 */
export const defined = <T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } =>
  Object.fromEntries(Object.entries(value).filter(([, v]) => v !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
