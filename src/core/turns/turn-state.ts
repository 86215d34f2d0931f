import type { Pace, Wave, Amount } from '../manifest/pace.ts';
import type { EpochMs } from '../time.ts';
import type { SwitchKind } from './turn-request.ts';

/** What the store keeps of the turns of one environment: `turns/ENV.json` (docs/DOCUMENTS.md, "Turns"). */
export interface TurnState {
  readonly apiVersion: 'supercargo/turns/v1';
  readonly environment: string;
  /** Grows with every write. */
  readonly revision: number;
  /** Serial of the manifest that was compared last. */
  readonly serial: number;
  readonly entries: Readonly<Record<string, EntryVersion>>;
  /** Of that manifest; null if it has none. */
  readonly pace: Pace | null;
  /**
   * By entry: digests that were overtaken before their change was finished, the newest first. A rollback
   * passes them over.
   */
  readonly abandoned: Readonly<Record<string, readonly string[]>>;
  /** Ascending serials, without those of which every entry was overtaken. */
  readonly changes: readonly Change[];
  /** Open turns by host. */
  readonly turns: Readonly<Record<string, Turn>>;
  readonly lives: Readonly<Record<string, Life>>;
  /** Set by `rollout halt`. */
  readonly halt: PersonHalt | null;
  /** By host; set by `rollout leave-out`. */
  readonly leftOut: Readonly<Record<string, Said>>;
  /** By host: turns that were returned in a row. */
  readonly returned: Readonly<Record<string, { readonly count: number; readonly atMs: EpochMs }>>;
  /** By service: since when its slots are all taken by hosts that do not switch. */
  readonly jammed: Readonly<Record<string, EpochMs>>;
  /** Jobs that run once in the fleet, by `jobKey`. */
  readonly jobs: Readonly<Record<string, JobRun>>;
  /**
   * Set once a host has seen a later revision than this state has: it is a backup, and knows nothing of jobs
   * up to this serial; -1 once a person has let them run. `seen` is that revision.
   */
  readonly restored: { readonly serial: number; readonly seen: number } | null;
  /**
   * When the store started that wrote it last. Up to `before` reach the numbers that hosts were told by then,
   * and from `from` those of this start; null in a state that no store has kept.
   */
  readonly start: { readonly atMs: EpochMs; readonly before: number; readonly from: number } | null;
  /** Newest first, bounded. */
  readonly audit: readonly AuditEntry[];
}

/** The state of an environment that has no turns yet. */
export const newTurnState = (environment: string): TurnState => ({
  apiVersion: 'supercargo/turns/v1',
  environment,
  revision: 0,
  serial: 0,
  entries: {},
  pace: null,
  abandoned: {},
  changes: [],
  turns: {},
  lives: {},
  halt: null,
  leftOut: {},
  returned: {},
  jammed: {},
  jobs: {},
  restored: null,
  start: null,
  audit: [],
});

export interface EntryVersion {
  readonly digest: string | null;
  readonly attempt: number;
}

/** The entries to which one serial gave another value. */
export interface Change {
  readonly serial: number;
  readonly madeAtMs: EpochMs;
  readonly urgent: { readonly reason: string } | null;
  readonly waves: readonly Wave[];
  readonly soakSeconds: number;
  readonly haltAfter: Amount;
  /** Without those that a later serial overtook. */
  readonly entries: Readonly<Record<string, EntryVersion & { readonly version: string }>>;
  /** Waves that are open, in their order; the last one is the open wave. */
  readonly opened: readonly OpenedWave[];
  /** By host. */
  readonly ends: Readonly<Record<string, HostEnd>>;
  /** Hosts that had a turn for it. */
  readonly turned: Readonly<Record<string, TurnedHost>>;
  /** Members of the open wave that report another reason than `turn`, since when. */
  readonly delays: Readonly<Record<string, { readonly reason: string; readonly sinceMs: EpochMs }>>;
  readonly halted: Halted | null;
  readonly finishedAtMs: EpochMs | null;
}

export interface TurnedHost {
  /** The number of the wave that was open, from 0. */
  readonly wave: number;
  /** Services of it that did not serve there before. */
  readonly unserved: readonly string[];
}

export interface OpenedWave {
  readonly openedAtMs: EpochMs;
  /** For a share: hosts up to this position in [0, 1] belong to it. Null for labels. */
  readonly upTo: number | null;
}

/** How a change ended on a host. */
export interface HostEnd {
  /** `returned`: it gave its turn back after it had begun, which is no end. */
  readonly result: 'good' | 'failed' | 'lost' | 'stuck' | 'returned';
  readonly atMs: EpochMs;
  readonly entries: readonly string[];
  /** Whether it counts until one host of the change is good, and then no more. */
  readonly countsUntilGood: boolean;
  readonly forgiven: boolean;
  readonly message: string | null;
  readonly log: readonly string[];
}

export interface Halted {
  readonly reason: string;
  /** The entries that are the cause: the halt ends when they are overtaken. */
  readonly entries: readonly string[];
  readonly atMs: EpochMs;
  readonly hosts: readonly string[];
}

/** A store's permission for one host to begin. */
export interface Turn {
  readonly life: string;
  /** Of the last request that was granted. */
  readonly seq: number;
  readonly engine: string;
  readonly grantedAtMs: EpochMs;
  readonly mostSeconds: number;
  readonly services: Readonly<Record<string, TurnedService>>;
  readonly lostAtMs: EpochMs | null;
}

export interface TurnedService {
  readonly entry: string | null;
  readonly release: string;
  readonly digest: string | null;
  readonly attempt: number;
  readonly kind: SwitchKind;
  readonly served: boolean;
  readonly begunAtMs: EpochMs | null;
}

/** A run of a job, which has at most one for each image and attempt. */
export interface JobRun {
  readonly service: string;
  readonly digest: string;
  readonly attempt: number;
  /** The entry that gives its version, then those of the services that wait for it. Empty if unknown. */
  readonly entries: readonly string[];
  readonly state: 'running' | 'done' | 'failed' | 'lost';
  /** Where it runs or ran; null if it is known from a host's word alone. */
  readonly host: string | null;
  readonly life: string;
  readonly seq: number;
  readonly atMs: EpochMs;
  readonly hasBegun: boolean;
  readonly message: string | null;
  readonly log: readonly string[];
}

/** The agent's life that a host had last, and those that it has replaced. */
export interface Life {
  readonly life: string;
  readonly seq: number;
  readonly replaced: readonly string[];
}

/** What a person said, and who claims to be that person: the token is shared. */
export interface Said {
  readonly reason: string;
  readonly by: string;
  readonly atMs: EpochMs;
}

export interface PersonHalt extends Said {
  readonly untilMs: EpochMs | null;
  /** The newest serial at that time: a later urgent one passes. */
  readonly serial: number;
}

export interface AuditEntry {
  readonly atMs: EpochMs;
  readonly what:
    | 'change'
    | 'wave'
    | 'granted'
    | 'good'
    | 'failed'
    | 'returned'
    | 'lost'
    | 'stuck'
    | 'halted'
    | 'finished'
    | 'halt'
    | 'resume'
    | 'free'
    | 'leave-out'
    | 'undo'
    | 'job';
  readonly host: string | null;
  /** Who says so; null if it follows from reports. */
  readonly by: string | null;
  readonly message: string;
}
