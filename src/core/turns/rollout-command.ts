/** What a person tells the store about a rollout: `POST /rollouts/ENV/…` (docs/DOCUMENTS.md, "Turns"). */
export type RolloutCommand =
  /** Nothing new begins until `resume`, or for this time. */
  | {
      readonly kind: 'halt';
      readonly reason: string;
      readonly by: string;
      readonly forSeconds: number | null;
    }
  /**
   * Ends every halt, and forgives the hosts that failed so far. With `jobElsewhere` a job of the fleet whose
   * host fell silent, or about which a restored store knows nothing, may run on another host.
   */
  | {
      readonly kind: 'resume';
      readonly reason: string;
      readonly by: string;
      readonly jobElsewhere: boolean;
    }
  /** Takes the turn away from a host that will not report again. */
  | { readonly kind: 'free'; readonly host: string; readonly reason: string; readonly by: string }
  /** Takes a host out of waves, slots and counts; with `undo` back in. */
  | {
      readonly kind: 'leave-out';
      readonly host: string;
      readonly reason: string;
      readonly by: string;
      readonly undo: boolean;
    };

export const ROLLOUT_COMMANDS = ['halt', 'resume', 'free', 'leave-out'] as const;
