/** Work of the same name goes one after the other; what one throws is its caller's. */
export const createTurns = () => {
  const last = new Map<string, Promise<unknown>>();
  return <T>(name: string, work: () => Promise<T>): Promise<T> => {
    const result = (last.get(name) ?? Promise.resolve()).then(work);
    const forget = (): void => {
      if (last.get(name) === settled) last.delete(name);
    };
    const settled: Promise<void> = result.then(forget, forget);
    last.set(name, settled);
    return result;
  };
};
