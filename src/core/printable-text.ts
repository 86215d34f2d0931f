/**
 * Removes line breaks, control characters and changes of the reading direction from foreign text. Without
 * this, one host's message could forge the line of another host.
 */
export const oneLine = (text: string): string =>
  text.replaceAll(/[\p{Cc}\p{Zl}\p{Zp}\u061C\u200E\u200F\u202A-\u202E\u2066-\u2069]+/gu, ' ');

/**
 * A copy for a terminal of a document from elsewhere (an agent, a report, a journal): every text is one line
 * without control characters, so that it can neither forge a line nor steer the terminal.
 */
export const printableDocument = <T>(document: T): T => copy(document) as T;

const copy = (value: unknown): unknown => {
  if (typeof value === 'string') return oneLine(value);
  if (Array.isArray(value)) return value.map(copy);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([name, member]) => [name, copy(member)]));
};

/** For a message that may quote text from elsewhere. Further lines are indented, so that none is forged. */
export const printableMessage = (message: string): string => {
  const [first = '', ...rest] = message.split('\n').map(oneLine);
  return [first, ...rest.map((line) => (line.startsWith('  ') ? line : `  ${line}`))].join('\n');
};
