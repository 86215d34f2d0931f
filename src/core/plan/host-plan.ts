import { isShortWait, type BlockReason, type WaitReason } from '../vocabulary/reasons.ts';
import type { ContainerRole, EdgeRole } from '../vocabulary/roles.ts';
import type { EdgeFrontend } from '../edge/edge-config.ts';
import type { EpochMs } from '../time.ts';
import type { Action, ContainerRef } from './action.ts';
import type { HttpReadyCheck } from '../compose/project-model.ts';
import type { ForeignContainer, SwitchStatus } from '../status/status-document.ts';
import type { TurnWish } from '../turns/turn-request.ts';
import type { TurnNeed } from './turn-need.ts';

/** What to do about one service now. Plain JSON; never stored. */
export type Decision =
  /** `message`: what is done although nothing of it is here. */
  | { readonly kind: 'converged'; readonly message?: string }
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
      /** When it is tried again. Absent if only a change can help. */
      readonly until?: EpochMs;
    }
  | {
      readonly kind: 'rolled-back';
      readonly from: string;
      readonly to: string;
      readonly message: string;
      readonly advice: string;
    };

/** A probe: the container is ready once this address answers. */
export interface ProbeRequest {
  readonly container: ContainerRef;
  readonly host: string;
  readonly port: number;
  /** Undefined if a TCP connection is enough. */
  readonly http: Pick<HttpReadyCheck, 'path' | 'headers'> | undefined;
}

/** The plan of one service, with what `status` and `explain` report about it. */
export interface ServicePlan {
  readonly service: string;
  /** False if the compose files no longer name it. */
  readonly declared: boolean;
  readonly decision: Decision;
  /** The release that the decision works for; its failed steps are stored under it. */
  readonly target: string | undefined;
  /** Actions beside the decision that no gate delays: images are fetched before the switch may begin. */
  readonly staging: readonly Action[];
  readonly desired: { readonly release: string; readonly version: string } | undefined;
  readonly running: readonly RunningReplica[];
  /** Absent for services that are no longer declared. */
  readonly availability?: Availability;
  /** Absent for services that need not serve: jobs, completed services, and those without replicas. */
  readonly readiness?: Readiness | undefined;
  /** Present if the switch could begin but for its turn, or has it and has not begun. */
  readonly turn?: TurnNeed | undefined;
  /** What the host asks the store for. */
  readonly wish?: TurnWish;
  /** Absent if no release is desired. */
  readonly switching?: SwitchStatus | undefined;
  /** Probes to make, whatever the decision waits for. */
  readonly probes: readonly ProbeRequest[];
}

/** Whether clients of a service are served. */
export interface Availability {
  /** It should serve all the time: it is no job, has not completed, and has replicas. */
  readonly mustServe: boolean;
  readonly isServed: boolean;
  /** A release of it was good here, or ran when the ledger was rebuilt. */
  readonly hasServed: boolean;
}

/** What load balancers should hear about a service. */
export interface Readiness {
  /** Clients outside the host reach it: the host's own answer depends on it. */
  readonly isPublic: boolean;
  /** False also while it goes out of service. */
  readonly isReady: boolean;
  /** A short predicate: `serves 1.2.3`. */
  readonly reason: string;
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
  /** Present while it drains. Sessions are unknown if no edge counts them. */
  readonly drain?: {
    readonly sinceMs: EpochMs;
    readonly untilMs: EpochMs;
    readonly sessions: number | undefined;
  };
}

/** A port that a service needs from the edge, but that another program has. */
export interface TakenPort {
  readonly frontend: EdgeFrontend;
  readonly decision: Extract<Decision, { readonly kind: 'blocked' }>;
}

/** The plan of the edge. Undefined in the host's plan if no service needs one and none is left. */
export interface EdgePlan {
  readonly decision: Decision;
  /** The edge starts without these ports, and their services are blocked. */
  readonly taken: readonly TakenPort[];
  /** It lacks a port, so the next observation has to read the host's listeners. */
  readonly lacksPort: boolean;
  /** Newest first. */
  readonly containers: readonly EdgeReplica[];
}

export interface EdgeReplica {
  readonly container: ContainerRef;
  readonly instance: string;
  readonly role: EdgeRole;
  readonly state: string;
  readonly version: string | undefined;
  readonly sessions: number | undefined;
  /** It started with the settings of another agent version, and gets this version's at its next start. */
  readonly isOutdated: boolean;
}

/** Whether an action is due, or a wait soon ends by itself. */
export const isUnsettled = (decision: Decision | undefined): boolean =>
  decision?.kind === 'act' || (decision?.kind === 'wait' && isShortWait(decision.reason));

/** Whether the next observation has to read the host's listeners: an edge starts soon, or lacks a port. */
export const asksForListeners = ({ edge }: HostPlan): boolean =>
  edge !== undefined && (edge.lacksPort || isUnsettled(edge.decision));

/** The plan of the whole host. */
export interface HostPlan {
  readonly services: readonly ServicePlan[];
  readonly edge: EdgePlan | undefined;
  /** Actions for no service: on networks and images that nothing needs any more. */
  readonly housekeeping: readonly Action[];
  /** Containers with our labels that are not ours. The agent leaves them alone. */
  readonly foreign: readonly ForeignContainer[];
  /** Earliest moment at which the plan can change by time alone. */
  readonly nextAtMs: EpochMs | undefined;
}

/** Whether the next step has an action of this kind. */
export const takes = (d: Decision, kind: Action['kind']): boolean =>
  d.kind === 'act' && d.actions.some((a) => a.kind === kind);

/** Whether nothing is to be done or waited for. Such a plan changes with its input only, never by time. */
export const isAtRest = (plan: HostPlan): boolean =>
  plan.nextAtMs === undefined &&
  plan.housekeeping.length === 0 &&
  (plan.edge === undefined || plan.edge.decision.kind === 'converged') &&
  plan.services.every((s) => s.staging.length === 0 && s.decision.kind === 'converged');
