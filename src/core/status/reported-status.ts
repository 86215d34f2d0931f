import type { Status } from './status-document.ts';

/** The same type with `string` in place of fixed words. */
export type Widened<T> = T extends string
  ? string
  : T extends readonly (infer U)[]
    ? readonly Widened<U>[]
    : T extends object
      ? { readonly [K in keyof T]: Widened<T[K]> }
      : T;

/**
 * The status document as a reader gets it from another version: any word may be unknown. Readers keep and
 * show an unknown word, but do not count it as good.
 */
export type ReportedStatus = Widened<Status>;
export type ReportedService = ReportedStatus['services'][number];
