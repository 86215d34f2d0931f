/**
 * A time in each week in which switches may begin (SUPERCARGO_WINDOW). Plain data: part of a plan's input.
 */
export interface DeployWindow {
  /** As it was written. */
  readonly text: string;
  /** Of its start, by the calendar of its zone: 1 is Monday, 7 Sunday. */
  readonly days: readonly number[];
  /** Of its start: minutes since midnight by the clock of its zone. */
  readonly startMinute: number;
  /** Elapsed time: a window of 8 h lasts 8 h, also in the night in which the clocks change. */
  readonly durationMs: number;
  /** An IANA name. */
  readonly zone: string;
}
