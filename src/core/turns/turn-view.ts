import type { EpochMs } from '../time.ts';

/** What this host knows of its turns. It is in memory: a restarted agent asks again. */
export interface TurnView {
  /** By service: what was heard about the release that it wishes to begin. */
  readonly heard: Readonly<Record<string, Heard>>;
}

export type Heard =
  | { readonly kind: 'granted'; readonly release: string; readonly attempt: number }
  | {
      readonly kind: 'refused';
      readonly release: string;
      readonly attempt: number;
      readonly reason: 'turn' | 'halted';
      /** In one sentence: why, with hosts and times. */
      readonly message: string;
    }
  | {
      readonly kind: 'unanswered';
      readonly release: string;
      readonly attempt: number;
      /** Why the store does not answer. */
      readonly message: string;
      /** When the first release of a service begins without an answer. */
      readonly untilMs: EpochMs;
    };
