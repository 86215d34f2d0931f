/**
 * The same answer for the same object, made once: what is seen of a host or read of a file never changes, and
 * a plan for a hundred containers asks a hundred times. Goes with the object.
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
