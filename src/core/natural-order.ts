const DIGITS = /^\d/;

const compareTexts = (a: string, b: string): number => (a < b ? -1 : Number(a > b));

const compareNumbers = (a: string, b: string): number => {
  const [x, y] = [a.replace(/^0+/, ''), b.replace(/^0+/, '')];
  return x.length - y.length || compareTexts(x, y);
};

/**
 * Compares numbers in names by value: web-1, web-2, web-10. The order does not depend on the locale, and two
 * names are equal only if their texts are equal.
 */
export const compareNaturally = (a: string, b: string): number => {
  const [left, right] = [a, b].map((text) => text.match(/\d+|\D+/g) ?? []);
  for (const [at, x] of (left ?? []).entries()) {
    const y = right?.[at];
    if (y === undefined) return 1;
    const areNumbers = DIGITS.test(x) && DIGITS.test(y);
    const order = areNumbers ? compareNumbers(x, y) : compareTexts(x, y);
    if (order !== 0) return order;
  }
  return (left ?? []).length - (right ?? []).length || compareTexts(a, b);
};
