/** Whether a switch that could begin now has its turn, and what runs within that turn. */
export interface TurnNeed {
  /**
   * `wanted`: the host asks for it; `granted`: it has it; `awaited`: another service has to ask, or to begin,
   * before this one does.
   */
  readonly state: 'wanted' | 'granted' | 'awaited';
  /** Jobs that have not begun and run within the turn. */
  readonly jobs: readonly string[];
  /** How long the switch may take at most, by the limits in the host's files. */
  readonly mostMs: number;
}
