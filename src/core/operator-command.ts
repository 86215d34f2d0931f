import type { EpochMs } from './time.ts';

/** What an operator may ask of an agent, running or not. Travels as JSON over the status socket. */
export type Command =
  | {
      readonly kind: 'pause';
      readonly reason: string;
      readonly owner: string;
      readonly untilMs: EpochMs | null;
      readonly all: boolean;
    }
  | { readonly kind: 'resume' }
  | { readonly kind: 'retry'; readonly service: string }
  /**
   * `serial`: the lowest that is accepted from now on; null: the highest that a container here was made for.
   */
  | { readonly kind: 'recover'; readonly serial: number | null; readonly dryRun: boolean };

/** What was done, one line each, for the person who asked. */
export interface CommandAnswer {
  readonly lines: readonly string[];
  /** True: there is nothing to do, now or when asked again. */
  readonly isDone?: boolean;
}
