/** Waits until every promise has settled, at most `limitMs`. */
export const settledWithin = async (
  promises: readonly Promise<unknown>[],
  limitMs: number,
): Promise<void> => {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, limitMs);
  await Promise.race([Promise.allSettled(promises), promise]);
  clearTimeout(timer);
};
