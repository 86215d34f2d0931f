import type { ImageOrigin } from '../image/origin.ts';
import type { Outcome } from '../vocabulary/outcomes.ts';
import type { ContainerRole, EdgeRole } from '../vocabulary/roles.ts';

/**
 * The status document: `status --json`, the status socket and reports. Additive changes keep the version;
 * times are ISO 8601 in UTC; null means that there is none.
 */
export interface Status {
  readonly apiVersion: 'supercargo/status/v1';
  readonly environment: string;
  readonly host: string;
  readonly at: string;
  /** The worst of what follows. */
  readonly outcome: Outcome;
  readonly agent: {
    readonly running: boolean;
    readonly version: string;
    readonly pid: number | null;
    readonly since: string | null;
  };
  readonly engine: {
    readonly online: boolean;
    readonly version: string | null;
    readonly apiVersion: string | null;
    readonly message: string | null;
    readonly advice: string | null;
  };
  readonly manifest: ManifestStatus;
  readonly hold: HoldStatus | null;
  readonly services: readonly ServiceStatus[];
  /** Null: no service needs one. */
  readonly edge: EdgeStatus | null;
  /** What concerns the host rather than one service. */
  readonly problems: readonly ProblemStatus[];
  /** Containers with our labels that are not ours. Absent where there are none. */
  readonly foreign?: readonly ForeignContainer[];
  /**
   * How telling the report store goes; null: there is none. Absent from documents of agents that could not
   * report yet.
   */
  readonly report?: ReportStatus | null;
}

/** A container that bears our labels and is not ours. */
export interface ForeignContainer {
  readonly id: string;
  readonly name: string;
  /** The service that its labels name; null: they name an edge. */
  readonly service: string | null;
  /** What tells it from one of ours, as `name`, `image`, `environment`. */
  readonly differs: readonly string[];
}

export interface ReportStatus {
  readonly url: string;
  /** When the store last took one. */
  readonly sentAt: string | null;
  /** Why the last one did not arrive; null: it did, or none was sent yet. */
  readonly message: string | null;
}

export interface ManifestStatus {
  /**
   * `accepted`: the one that is acted on; `none`: none was ever accepted; `rejected`: the offered one was
   * refused (an accepted one may still be acted on).
   */
  readonly state: 'accepted' | 'rejected' | 'none';
  readonly serial: number | null;
  readonly epoch: number | null;
  readonly signed: boolean | null;
  readonly issuedAt: string | null;
  readonly expiresAt: string | null;
  readonly acceptedAt: string | null;
  readonly publisher: {
    readonly name: string | null;
    readonly build: string | null;
    readonly url: string | null;
  } | null;
  /** The last document that was offered and refused. */
  readonly rejection: {
    readonly reason: string;
    readonly serial: number | null;
    readonly message: string;
    readonly advice: string;
    readonly since: string;
  } | null;
  readonly source: {
    readonly reachable: boolean | null;
    readonly checkedAt: string | null;
    readonly message: string | null;
    readonly advice: string | null;
    readonly nextAt: string | null;
  };
  /** Entries that change nothing on this host. */
  readonly ignored: readonly { readonly service: string; readonly why: string }[];
}

export interface HoldStatus {
  readonly reason: string;
  readonly owner: string;
  readonly since: string;
  readonly until: string | null;
  readonly all: boolean;
}

/** The members by which every document reports a decision. */
export interface DecisionStatus {
  readonly outcome: Outcome;
  /** One of the words of core/vocabulary/reasons.ts, or an action; null where there is nothing to explain. */
  readonly reason: string | null;
  readonly message: string | null;
  readonly advice: string | null;
  readonly until: string | null;
}

export interface ServiceStatus extends DecisionStatus {
  readonly service: string;
  readonly since: string;
  readonly desired: { readonly version: string; readonly release: string } | null;
  /** Where it came from and went back to. */
  readonly rolledBack: { readonly from: string; readonly to: string } | null;
  readonly failure: FailureStatus | null;
  readonly progress: ProgressStatus | null;
  /**
   * Where the image of the desired (else the last good) release came from; null: nobody knows. Absent from
   * older agents.
   */
  readonly origin?: OriginStatus | null;
  readonly containers: readonly ContainerStatus[];
}

export interface OriginStatus {
  readonly release: string;
  readonly kind: ImageOrigin['kind'];
  /** A mirror's URL, or the name of the registry. */
  readonly source: string;
  readonly fetchedAt: string;
  /** Who was asked before and did not give it. */
  readonly skipped: readonly { readonly source: string; readonly code: string; readonly message: string }[];
}

/** Of a pull. */
export interface ProgressStatus {
  readonly layersDone: number;
  readonly layersTotal: number;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export interface FailureStatus {
  readonly version: string;
  readonly release: string;
  readonly attempt: number;
  readonly reason: string;
  readonly message: string;
  readonly at: string;
  /** Its last lines. */
  readonly log: readonly string[];
}

export interface ContainerStatus {
  readonly id: string;
  readonly name: string;
  readonly replica: number;
  readonly version: string;
  readonly release: string;
  readonly role: ContainerRole;
  readonly state: string;
  readonly health: string;
  readonly since: string | null;
  /** While it takes no new connections; sessions are null where nobody can count them. */
  readonly drain: {
    readonly since: string;
    readonly until: string;
    readonly sessions: number | null;
  } | null;
}

/** The proxy in front of start-first services. */
export interface EdgeStatus extends DecisionStatus {
  /** The one that takes new connections first. */
  readonly containers: readonly {
    readonly id: string;
    readonly name: string;
    readonly role: EdgeRole;
    readonly state: string;
    /** Of HAProxy; null: it does not answer. */
    readonly version: string | null;
    readonly sessions: number | null;
    /** Present where it started with the settings of another version of the agent. */
    readonly outdated?: true;
  }[];
}

export interface ProblemStatus {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}
