/**
 * Computes a value once for each object and drops it with the object. Observations and parsed files never
 * change, and one plan for a hundred containers would compute the same value a hundred times.
 */
export const memoize = <K extends object, V>(make: (key: K) => V): ((key: K) => V) => {
  const known = new WeakMap<K, { readonly value: V }>();
  return (key) => {
    const found = known.get(key);
    if (found) return found.value;
    const value = make(key);
    known.set(key, { value });
    return value;
  };
};
