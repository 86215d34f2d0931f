/**
 * What a host asks the store for before it switches, and what the store answers: `POST /turns/ENV/HOST`
 * (docs/DOCUMENTS.md, "Turns").
 */

export const SWITCH_KINDS = ['version', 'files', 'first', 'job'] as const;
/**
 * What kind of switch a service is about to make. `version`: to another image; `files`: the last good image
 * with other settings, or an image that the host pins; `first`: it never ran here; `job`: a job that runs
 * once in the fleet.
 */
export type SwitchKind = (typeof SWITCH_KINDS)[number];

export interface TurnRequest {
  /** Random at each start of the agent. */
  readonly life: string;
  /** Counts the requests and reports of one life. */
  readonly seq: number;
  /** Serial of the manifest that the host has accepted. */
  readonly serial: number;
  /** Id of the engine. */
  readonly engine: string;
  /** How long the switch may take at most, by the limits in the host's files. */
  readonly mostSeconds: number;
  readonly services: readonly TurnWish[];
}

export interface TurnWish {
  readonly service: string;
  /** The manifest's entry that gives the version; null if the host pins the image. */
  readonly entry: string | null;
  readonly release: string;
  readonly digest: string | null;
  readonly attempt: number;
  readonly kind: SwitchKind;
  /** Whether its clients are served here now. */
  readonly serves: boolean;
  /** With kind `job`: the entries of the services that wait for it. */
  readonly dependents?: readonly string[] | undefined;
  /** Wishes of one group are granted together or not at all: services that wait for one job. */
  readonly group?: string | undefined;
}

export const TURN_ANSWERS = ['granted', 'halted', 'other-version', 'wait'] as const;
export type TurnAnswerKind = (typeof TURN_ANSWERS)[number];

export interface TurnAnswer {
  readonly apiVersion: 'supercargo/turn/v1';
  /** Grows with each write of the store and by far with each start of it; reports echo it. */
  readonly revision: number;
  /** `granted` if any service may begin, else the first that applies in the order of TURN_ANSWERS. */
  readonly answer: TurnAnswerKind;
  /** The services that may begin. */
  readonly services: readonly string[];
  readonly refused: readonly RefusedWish[];
  /** Jobs of the request that have run in the fleet, and need not run again. */
  readonly done: readonly JobWord[];
  /** When to ask again for what is refused. */
  readonly askAfterSeconds: number;
}

/** A job that runs once in the fleet for each image and attempt, and has completed. */
export interface JobWord {
  readonly service: string;
  readonly digest: string;
  readonly attempt: number;
}

export interface RefusedWish {
  readonly service: string;
  readonly answer: Exclude<TurnAnswerKind, 'granted'>;
  /** In one sentence: why, with hosts and times. */
  readonly message: string;
  /** Who has the places that it waits for. */
  readonly holders: readonly SlotHolder[];
  /** The hosts for which the change was halted. */
  readonly hosts: readonly string[];
}

export const HOLDER_STATES = [
  'granted',
  'begun',
  'lost',
  'stuck',
  'not-serving',
  'drained',
  'no-turn',
] as const;
/** How a host takes a slot: by a turn, or because it does not serve, is drained, or switches without a turn. */
export type HolderState = (typeof HOLDER_STATES)[number];

/** A host that takes one of the places of a service. */
export interface SlotHolder {
  readonly host: string;
  readonly service: string;
  readonly state: HolderState;
  /** ISO 8601; null if unknown. */
  readonly since: string | null;
}
