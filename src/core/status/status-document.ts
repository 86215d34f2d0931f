import type { HostLabels } from '../fleet/host-labels.ts';
import type { SwitchState } from '../turns/host-word.ts';
import type { JobWord, SwitchKind } from '../turns/turn-request.ts';
import type { ImageOrigin } from '../image/image-origin.ts';
import type { Outcome } from '../vocabulary/outcomes.ts';
import type { ContainerRole, EdgeRole } from '../vocabulary/roles.ts';

/**
 * The status document: `status --json`, the status socket and reports. Additive changes keep the version;
 * times are ISO 8601 in UTC; null means none.
 */
export interface Status {
  readonly apiVersion: 'supercargo/status/v1';
  readonly environment: string;
  readonly host: string;
  /** Absent in documents of older agents. */
  readonly labels?: HostLabels;
  readonly at: string;
  /** The worst outcome in the document. */
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
  /** Absent in documents of older agents. */
  readonly draining?: DrainingStatus | null;
  readonly services: readonly ServiceStatus[];
  /** Null if no service needs an edge. */
  readonly edge: EdgeStatus | null;
  /** Problems of the host rather than of one service. */
  readonly problems: readonly ProblemStatus[];
  /** Absent if there are none. */
  readonly foreign?: readonly ForeignContainer[];
  /** Null without a report store. Absent in documents of agents that cannot report. */
  readonly report?: ReportStatus | null;
  /** Absent in documents of older agents, and of agents that do not run. */
  readonly turns?: TurnsStatus;
  /** `supercargo switch-now` for the accepted manifest; null if none. Absent in documents of older agents. */
  readonly switchNow?: SwitchNowStatus | null;
}

/** How this host takes turns with the other hosts of its fleet. */
export interface TurnsStatus {
  /** SUPERCARGO_TURNS */
  readonly mode: 'manifest' | 'always';
  /** Random at each start of the agent. */
  readonly life: string;
  /** Counts requests and reports of this life. */
  readonly seq: number;
  /**
   * Services for which it has asked for a turn, or which it may begin by an answer; also those of which
   * nothing is known yet, because the engine was not observed.
   */
  readonly asked: readonly string[];
  /** The jobs of the fleet of which the host knows that they are done; absent if there are none. */
  readonly jobs?: readonly JobWord[];
  /** Whether the report store hands out turns; `unknown` until it was asked. */
  readonly store: 'unknown' | 'answers' | 'unreachable' | 'none';
  /** Why the store does not answer, or refuses this agent; null otherwise. */
  readonly message: string | null;
  /** Of the store's last answer. */
  readonly revision: number | null;
}

/** The switches of the accepted manifest begin without a turn. */
export interface SwitchNowStatus {
  readonly reason: string;
  readonly owner: string;
  readonly since: string;
}

/** How far the host is with the release that a service should run, from ledger and engine. */
export interface SwitchStatus {
  /** The manifest's entry that gives the version; null if the host pins the image. */
  readonly entry: string | null;
  readonly release: string;
  readonly digest: string | null;
  readonly attempt: number;
  readonly state: SwitchState;
  readonly kind: SwitchKind;
  /** A container of another release is here that is neither good nor failed. */
  readonly unsettled: boolean;
  /** A release of the service was good here. */
  readonly hasServed: boolean;
}

/** A container with our labels that is not ours. */
export interface ForeignContainer {
  readonly id: string;
  readonly name: string;
  /** The service in its labels; null if they name an edge. */
  readonly service: string | null;
  /** How it differs from ours, such as `name`, `image`, `environment`. */
  readonly differs: readonly string[];
}

export interface ReportStatus {
  readonly url: string;
  /** Time of the last delivered report. */
  readonly sentAt: string | null;
  /** Why the last report failed; null if it was delivered, or none was sent yet. */
  readonly message: string | null;
}

export interface ManifestStatus {
  /**
   * `accepted`: a manifest is in force; `none`: none was ever accepted; `rejected`: the offered one was
   * refused (an accepted one may still be in force).
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
  /** The last refused document. */
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
  /** Entries without an effect on this host. */
  readonly ignored: readonly { readonly service: string; readonly why: string }[];
}

export interface HoldStatus {
  readonly reason: string;
  readonly owner: string;
  readonly since: string;
  readonly until: string | null;
  readonly all: boolean;
}

/** The host goes out of service, or is out of service (`supercargo drain`). */
export interface DrainingStatus {
  readonly reason: string;
  readonly owner: string;
  readonly since: string;
  readonly until: string | null;
  /** True once every service is stopped. */
  readonly done: boolean;
}

/** The members by which every document reports a decision. */
export interface DecisionStatus {
  readonly outcome: Outcome;
  /** A word of core/vocabulary/reasons.ts, or an action; null if there is nothing to explain. */
  readonly reason: string | null;
  readonly message: string | null;
  readonly advice: string | null;
  readonly until: string | null;
}

export interface ServiceStatus extends DecisionStatus {
  readonly service: string;
  readonly since: string;
  /**
   * Whether its clients are served now: a container of it is up and well, and it is not being taken out of
   * service. Null for jobs. Absent in documents of older agents.
   */
  readonly serves?: boolean | null;
  readonly desired: { readonly version: string; readonly release: string } | null;
  /** The failed version and the restored one. */
  readonly rolledBack: { readonly from: string; readonly to: string } | null;
  readonly failure: FailureStatus | null;
  readonly progress: ProgressStatus | null;
  /**
   * Origin of the image of the desired, else the last good release; null if unknown. Absent in older agents.
   */
  readonly origin?: OriginStatus | null;
  /** Null if no release is desired. Absent in documents of older agents. */
  readonly switching?: SwitchStatus | null;
  readonly containers: readonly ContainerStatus[];
}

export interface OriginStatus {
  readonly release: string;
  readonly kind: ImageOrigin['kind'];
  /** A mirror's URL, or the registry's name. */
  readonly source: string;
  readonly fetchedAt: string;
  /** Sources that were tried before, without success. */
  readonly skipped: readonly { readonly source: string; readonly code: string; readonly message: string }[];
}

/** Progress of a pull. */
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
  /** The container's last lines. */
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
  /** While the container takes no new connections. `sessions` is null if the edge cannot count them. */
  readonly drain: {
    readonly since: string;
    readonly until: string;
    readonly sessions: number | null;
  } | null;
}

/** The proxy in front of start-first services. */
export interface EdgeStatus extends DecisionStatus {
  /** The first one takes new connections. */
  readonly containers: readonly {
    readonly id: string;
    readonly name: string;
    readonly role: EdgeRole;
    readonly state: string;
    /** HAProxy's version; null if HAProxy does not answer. */
    readonly version: string | null;
    readonly sessions: number | null;
    /** Present if it started with settings of another version of the agent. */
    readonly outdated?: true;
  }[];
}

export interface ProblemStatus {
  readonly code: string;
  readonly message: string;
  readonly advice: string;
}
