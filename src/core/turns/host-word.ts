import type { HostLabels } from '../fleet/host-labels.ts';
import type { JobWord, SwitchKind } from './turn-request.ts';

export const SWITCH_STATES = ['none', 'begun', 'good', 'failed'] as const;
/** How far a host is with the release that it should run, from its ledger and engine. */
export type SwitchState = (typeof SWITCH_STATES)[number];

/** What a host's last report says to the rules of turns. */
export interface HostWord {
  readonly host: string;
  readonly labels: HostLabels;
  /** The time without a report of it in which the store took reports of others. */
  readonly silentMs: number;
  /** No report for three minutes. */
  readonly isSilent: boolean;
  readonly isRunning: boolean;
  /** Null if the agent is too old to know turns. */
  readonly turns: {
    readonly life: string;
    readonly seq: number;
    /** Services for which it has asked, or which it may still begin by an answer. */
    readonly asked: readonly string[];
    /** The jobs of the fleet of which it knows that they are done. */
    readonly jobs: readonly JobWord[];
    /** Of the last answer that it got; null before the first. */
    readonly revision: number | null;
  } | null;
  readonly serial: number | null;
  /** It refuses the manifest that it is offered. */
  readonly refuses: boolean;
  readonly isHeld: boolean;
  readonly isDrained: boolean;
  readonly services: readonly ServiceWord[];
}

export interface ServiceWord {
  readonly service: string;
  /** The manifest's entry that gives its version; null if the host pins the image. */
  readonly entry: string | null;
  readonly release: string;
  readonly digest: string | null;
  readonly attempt: number;
  readonly state: SwitchState;
  readonly kind: SwitchKind;
  /** A container of another release is here that is neither good nor failed. */
  readonly isUnsettled: boolean;
  /** A release of it was good here. */
  readonly hasServed: boolean;
  /** Its clients are served, and load balancers have heard so for the lead; null for jobs. */
  readonly serves: boolean | null;
  readonly outcome: string;
  readonly reason: string | null;
  readonly message: string | null;
  /** Of the release above, if it failed. */
  readonly failure: {
    readonly version: string;
    readonly message: string;
    readonly log: readonly string[];
  } | null;
}
