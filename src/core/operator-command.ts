import type { EpochMs } from './time.ts';

/** The commands of an operator. They reach a running agent as JSON over the status socket. */
export type Command =
  | {
      readonly kind: 'pause';
      readonly reason: string;
      readonly owner: string;
      readonly untilMs: EpochMs | null;
      readonly all: boolean;
      /** Also if the hold in force lasts longer or stops more. */
      readonly replace?: boolean | undefined;
    }
  | { readonly kind: 'resume' }
  /** Takes the host out of service, or changes the reason and end of a drain in force. */
  | {
      readonly kind: 'drain';
      readonly reason: string;
      readonly owner: string;
      readonly untilMs: EpochMs | null;
    }
  | { readonly kind: 'undrain' }
  /** The switches of the accepted manifest begin without a turn, and although they are halted. */
  | { readonly kind: 'switch-now'; readonly reason: string; readonly owner: string }
  | { readonly kind: 'retry'; readonly service: string }
  /**
   * `serial`: the lowest serial that the host accepts from now on. Null: the highest serial of its
   * containers.
   */
  | { readonly kind: 'recover'; readonly serial: number | null; readonly dryRun: boolean };

/** The result for the operator, one line for each change. */
export interface CommandAnswer {
  readonly lines: readonly string[];
  /** There is nothing to do, now or later. */
  readonly isDone?: boolean;
}
