import { refusal, type Refusal } from '../hub/refusal.ts';

/**
 * How far one publish may go above the serial before it: no restored store is so many publishes behind its
 * hosts.
 */
export const LARGEST_STEP = 1_000_000;
/**
 * An environment may begin with a time in microseconds, and still has room for as many publishes as it will
 * ever see.
 */
const HIGHEST_FIRST = 2 ** 52;

/**
 * Whether a serial leaves no room for another step: such a one was never reached by publishing, and does not
 * count.
 */
export const isSpent = (serial: number): boolean => serial >= Number.MAX_SAFE_INTEGER - LARGEST_STEP;

/** The highest serial that may follow this one; 0: none was published. */
export const highestNext = (highest: number): number =>
  highest === 0 ? HIGHEST_FIRST : highest + LARGEST_STEP;

/** A history may hold more serials than a call can have arguments. 0: there is none. */
export const highestOf = (serials: Iterable<number>): number => {
  let highest = 0;
  for (const serial of serials) if (serial > highest && !isSpent(serial)) highest = serial;
  return highest;
};

/**
 * Serials only grow: a host ignores any that is not above what it has accepted. Undefined: this one may
 * follow.
 */
export const refuseSuccessor = (serial: number, published: Iterable<number>): Refusal | undefined => {
  const highest = highestOf(published);
  if (serial <= highest)
    return refusal(
      409,
      'conflict',
      `serial ${serial} is not above ${highest}, which this environment has had`,
      'read the current manifest and publish with a higher serial: `supercargo publish` and `supercargo rollback` do that',
    );
  if (serial <= highestNext(highest)) return undefined;
  return refusal(
    409,
    'conflict',
    highest === 0
      ? `serial ${serial} is above ${HIGHEST_FIRST}: it leaves too few for the time to come`
      : `serial ${serial} is more than ${LARGEST_STEP} above ${highest}: one publish could use up all serials`,
    'publish with the next serial: `supercargo publish` chooses it',
  );
};

/** The history may be completed, never invented: only what may once have been current is written there. */
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
    `${path} is there with other content, and the history is never overwritten`,
    'publish again with a higher serial',
  );
