import { refusal, type Refusal } from '../hub/refusal.ts';

/**
 * The largest step from one serial to the next. No restored store is a million publishes behind its hosts.
 */
export const LARGEST_STEP = 1_000_000;
/**
 * The highest first serial. It allows a time in microseconds and leaves enough serials for all later
 * publishes.
 */
const HIGHEST_FIRST = 2 ** 52;

/** The lowest serial above which no further step fits. Publishing never reaches it, so it does not count. */
export const FIRST_SPENT = Number.MAX_SAFE_INTEGER - LARGEST_STEP;
export const isSpent = (serial: number): boolean => serial >= FIRST_SPENT;

/** The highest serial that may follow. 0: the environment has no serial yet. */
export const highestNext = (highest: number): number =>
  highest === 0 ? HIGHEST_FIRST : highest + LARGEST_STEP;

/** Returns 0 if there is no serial. A loop, because a history can exceed the argument limit of Math.max. */
export const highestOf = (serials: Iterable<number>): number => {
  let highest = 0;
  for (const serial of serials) if (serial > highest && !isSpent(serial)) highest = serial;
  return highest;
};

/**
 * Returns undefined if the serial may follow. Hosts ignore a serial that is not above the highest one they
 * accepted.
 */
export const refuseSuccessor = (serial: number, published: Iterable<number>): Refusal | undefined => {
  const highest = highestOf(published);
  if (serial <= highest)
    return refusal(
      409,
      'conflict',
      `serial ${serial} is not above ${highest}, the highest serial of this environment`,
      'read the current manifest and publish with a higher serial: ' +
        '`supercargo publish` and `supercargo rollback` do that',
    );
  if (serial <= highestNext(highest)) return undefined;
  return refusal(
    409,
    'conflict',
    highest === 0
      ? `serial ${serial} is above ${HIGHEST_FIRST}: it leaves too few serials for later publishes`
      : `serial ${serial} is more than ${LARGEST_STEP} above ${highest}: a publish could use up all serials`,
    'publish with the next serial: `supercargo publish` chooses it',
  );
};

/** Accepts only serials up to the current one, so that a write can complete the history but not invent it. */
export const refuseHistory = (
  path: string,
  { addressed, serial }: { readonly addressed: number; readonly serial: number },
  currentSerial: number | undefined,
): Refusal | undefined => {
  if (serial !== addressed)
    return refusal(
      409,
      'conflict',
      `${path} is for serial ${addressed}, the document has ${serial}`,
      'write it to the address of its own serial',
    );
  if (serial <= (currentSerial ?? 0)) return undefined;
  return refusal(
    409,
    'conflict',
    `serial ${serial} is above the current one (${currentSerial ?? 'none'})`,
    'publish it as the current manifest first; the hub then writes its history itself',
  );
};

export const historyIsKept = (path: string): Refusal =>
  refusal(
    409,
    'conflict',
    `${path} already exists with other content, and the history is never overwritten`,
    'publish again with a higher serial',
  );
