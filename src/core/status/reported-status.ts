import type { Status } from './status-document.ts';

/** The same with any text where a list of words was promised. */
type Widened<T> = T extends string
  ? string
  : T extends readonly (infer U)[]
    ? readonly Widened<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Widened<T[K]> }
      : T;

/**
 * The status document as a reader gets it, in a report or from a daemon of another version: any of its words
 * may be one that this version does not know. A word that is not known is kept, shown, and never counts as
 * good.
 */
export type ReportedStatus = Widened<Status>;
export type ReportedService = ReportedStatus['services'][number];
