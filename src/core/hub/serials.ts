import { refusal, type Refusal } from './refusal.ts';

/** What an environment has had published so far. */
export interface Standing {
  /** Undefined: nothing is published, or what is there cannot be read. */
  readonly currentSerial: number | undefined;
  /** 0: none. */
  readonly highestInHistory: number;
}

/** Serials only grow: a host ignores any that is not above what it has accepted. Undefined: this one may follow. */
export const refuseSuccessor = (
  serial: number,
  { currentSerial, highestInHistory }: Standing,
): Refusal | undefined => {
  const highest = Math.max(currentSerial ?? 0, highestInHistory);
  if (serial > highest) return undefined;
  return refusal(
    409,
    'conflict',
    `serial ${serial} is not above ${highest}, which this environment has had`,
    'read the current manifest and publish with a higher serial: `supercargo publish` and `supercargo rollback` do that',
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
