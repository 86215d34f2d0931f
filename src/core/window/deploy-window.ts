/** A weekly period in which switches may begin (SUPERCARGO_WINDOW). */
export interface DeployWindow {
  /** The text from the variable. */
  readonly text: string;
  /** The days on which the window starts, in its zone: 1 is Monday, 7 is Sunday. */
  readonly days: readonly number[];
  /** The start, in minutes after midnight in the zone of the window. */
  readonly startMinute: number;
  /** Elapsed time: a window of 8 h lasts 8 h even when the clocks change. */
  readonly durationMs: number;
  /** The IANA name of the time zone. */
  readonly zone: string;
}
