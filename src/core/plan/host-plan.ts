import type { ContainerRole, EdgeRole } from '../status/status-document.ts';
import type { EdgeFrontend } from '../edge/edge-config.ts';
import type { EpochMs } from '../time.ts';
import type { Action, ContainerRef } from './action.ts';
import type { ForeignContainer } from '../status/status-document.ts';

/** What to do about one service now. Plain JSON; never stored. */
export type Decision =
  | { readonly kind: 'converged' }
  | { readonly kind: 'act'; readonly actions: readonly [Action, ...Action[]]; readonly why: string }
  | {
      readonly kind: 'wait';
      readonly reason: WaitReason;
      readonly message: string;
      readonly until: EpochMs | undefined;
    }
  | {
      readonly kind: 'blocked';
      readonly reason: BlockReason;
      readonly message: string;
      readonly advice: string;
      /**
       * When it is tried again, in case somebody has done something; absent: only once something has changed.
       */
      readonly until?: EpochMs;
    }
  | {
      readonly kind: 'rolled-back';
      readonly from: string;
      readonly to: string;
      readonly message: string;
      readonly advice: string;
    };

/** Why nothing is done now although something is to be done. */
export type WaitReason =
  | 'unpublished'
  | 'image'
  | 'phase'
  | 'hold'
  | 'back-off'
  | 'dependency'
  | 'health'
  | 'delay'
  | 'removal'
  | 'bake'
  | 'drain'
  | 'edge'
  | 'window'
  | 'freeze';

/**
 * Waits that end by themselves soon: `once` stays for them. A dependency is none of them: whether it is soon
 * over is said by the service that is waited for.
 */
const SHORT: ReadonlySet<WaitReason> = new Set(['image', 'health', 'delay', 'bake', 'drain', 'edge']);
export const isShortWait = (reason: WaitReason): boolean => SHORT.has(reason);

/** Why nothing can be done until somebody changes something. */
export type BlockReason =
  | 'quarantined'
  | 'repository'
  | 'image'
  | 'auth'
  | 'disk'
  | 'port'
  | 'name'
  | 'network'
  | 'volume'
  | 'ledger'
  | 'expired'
  | 'trust'
  | 'empty'
  | 'unhealthy'
  | 'exited'
  | 'self'
  | 'dependency'
  | 'engine'
  | 'adoption'
  | 'repeated'
  | 'edge'
  | 'down';

/** A candidate that is good once this answers. */
export interface ProbeRequest {
  readonly container: ContainerRef;
  readonly host: string;
  readonly port: number;
  /** Absent: a TCP connection is enough. */
  readonly httpPath: string | undefined;
}

/** One service's part, with what `status` and `explain` tell about it. */
export interface ServicePlan {
  readonly service: string;
  /** False: the compose files do not name it any more. */
  readonly declared: boolean;
  readonly decision: Decision;
  /** The release that the decision works for; failed steps are kept by it. */
  readonly target: string | undefined;
  /**
   * Runs beside the decision and needs no permission: images are fetched early, the switch may stay closed.
   */
  readonly staging: readonly Action[];
  readonly desired: { readonly release: string; readonly version: string } | undefined;
  readonly running: readonly RunningReplica[];
  /** Absent for services that nobody declares any more. */
  readonly availability?: Availability;
  /** Whom to ask whether it is ready, whatever the decision waits for. */
  readonly probes: readonly ProbeRequest[];
}

/** How a service stands with its clients. */
export interface Availability {
  /** Something of it is to serve all the time: it is no job, has not completed, and has replicas. */
  readonly isWanted: boolean;
  readonly isServed: boolean;
  /** A release of it was good here, or ran when the ledger was rebuilt. */
  readonly hasServed: boolean;
}

export interface RunningReplica {
  readonly replica: number;
  readonly container: ContainerRef;
  readonly release: string;
  readonly version: string;
  readonly state: string;
  readonly health: string;
  readonly role: ContainerRole;
  readonly sinceMs: EpochMs | undefined;
  /** While it drains; sessions are unknown where no edge counts them. */
  readonly drain?: {
    readonly sinceMs: EpochMs;
    readonly untilMs: EpochMs;
    readonly sessions: number | undefined;
  };
}

/** A port that a service wants of the edge, and that something else has. */
export interface TakenPort {
  readonly frontend: EdgeFrontend;
  readonly decision: Extract<Decision, { readonly kind: 'blocked' }>;
}

/** The edge's part; undefined in the host's plan where no service needs one and none is left. */
export interface EdgePlan {
  readonly decision: Decision;
  /** The edge is made without them, and their services are blocked. */
  readonly taken: readonly TakenPort[];
  /** A port that it wants is not its own yet: who listens on this host decides. */
  readonly isWanting: boolean;
  /** Containers of edges, the one that takes new connections first. */
  readonly containers: readonly EdgeReplica[];
}

export interface EdgeReplica {
  readonly container: ContainerRef;
  readonly instance: string;
  readonly role: EdgeRole;
  readonly state: string;
  readonly version: string | undefined;
  readonly sessions: number | undefined;
  /** It started with the settings of another agent's version; it has this one's from its next start on. */
  readonly isOutdated: boolean;
}

/** Something is done, or ends by itself soon. */
export const isUnsettled = (decision: Decision | undefined): boolean =>
  decision?.kind === 'act' || (decision?.kind === 'wait' && isShortWait(decision.reason));

/**
 * Whether the next observation has to say who listens on this host: an edge is about to start, or waits for a
 * port.
 */
export const asksForListeners = ({ edge }: HostPlan): boolean =>
  edge !== undefined && (edge.isWanting || isUnsettled(edge.decision));

/** A whole host's plan. */
export interface HostPlan {
  readonly services: readonly ServicePlan[];
  readonly edge: EdgePlan | undefined;
  /** What belongs to no service: networks and images that nothing needs any more. */
  readonly housekeeping: readonly Action[];
  /** Containers with our labels that are not ours: nothing is done about them. */
  readonly foreign: readonly ForeignContainer[];
  /** Earliest moment at which the plan can change by time alone. */
  readonly nextAtMs: EpochMs | undefined;
}

/** The next step has such an action. */
export const takes = (d: Decision, kind: Action['kind']): boolean =>
  d.kind === 'act' && d.actions.some((a) => a.kind === kind);

/**
 * Nothing is done, and nothing is waited for: another host, manifest or ledger makes another plan of it, the
 * time alone never.
 */
export const isAtRest = (plan: HostPlan): boolean =>
  plan.nextAtMs === undefined &&
  plan.housekeeping.length === 0 &&
  (plan.edge === undefined || plan.edge.decision.kind === 'converged') &&
  plan.services.every((s) => s.staging.length === 0 && s.decision.kind === 'converged');
