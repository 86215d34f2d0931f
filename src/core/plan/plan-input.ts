import type { ComposeProject, Service } from '../compose/project-model.ts';
import type { EdgeMode } from '../edge/edge-config.ts';
import type { Mirror } from '../image/mirror.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Actual, Container } from '../state/actual.ts';
import type { Desired } from '../state/desired.ts';
import { failureOf, type Adoption, type Ledger, type ServiceRecord } from '../state/ledger.ts';
import type { Release, ReleaseImage } from '../state/release.ts';
import type { EpochMs } from '../time.ts';
import type { TurnView } from '../turns/turn-view.ts';
import type { DeployWindow } from '../window/deploy-window.ts';
import type { ActionKind } from './action.ts';
import type { ErrorCode } from '../vocabulary/error-codes.ts';

/** Everything a plan depends on: the same input gives the same plan. */
export interface PlanInput {
  readonly environment: string;
  /** This host's name, which decides when a rollout reaches it. */
  readonly host: string;
  readonly nowMs: EpochMs;
  readonly keepReleases: number;
  /** When switches may begin; empty means always. */
  readonly windows: readonly DeployWindow[];
  readonly project: ComposeProject;
  readonly desired: Readonly<Record<string, Desired>>;
  readonly manifest: Manifest | undefined;
  /** Set if the accepted manifest is no longer trusted: what runs stays, nothing new starts. */
  readonly distrust: { readonly message: string; readonly advice: string } | undefined;
  readonly actual: Actual;
  readonly ledger: Ledger;
  /** The last failed steps by `failedStepKey`. A restart of the agent forgets them and tries again. */
  readonly failedSteps: Readonly<Record<string, FailedStep>>;
  /** Container id → start time of the run in which its probe answered. */
  readonly answered: Readonly<Record<string, EpochMs>>;
  /** Container id → what its last probe got instead of an answer. */
  readonly unanswered: Readonly<Record<string, string>>;
  /** Since when this agent observes without a break. No candidate fails for the time before that. */
  readonly watchingSinceMs: EpochMs;
  readonly edge: EdgeSetting;
  /** In the order to try. */
  readonly mirrors: readonly Mirror[];
  /** A step of the edge was under way during the observation, which may show it half done. */
  readonly isEdgeBusy: boolean;
  /** Addresses of containers that are being created. */
  readonly reserved: readonly string[];
  /** Absent if no switch needs a turn. */
  readonly turns?: TurnView | undefined;
}

/** How this host runs its edge. */
export interface EdgeSetting {
  readonly image: ReleaseImage;
  readonly mode: EdgeMode;
  /** Owner of the edge's sockets, as seen inside its container. */
  readonly agentUid: number;
  readonly hasIpv6: boolean;
  /** See `EdgeConfig`. */
  readonly trustedProxies: readonly string[];
  /** The health endpoint for load balancers; undefined if there is none. */
  readonly health?: HealthSetting | undefined;
}

export interface HealthSetting {
  /** Empty means every address of the host. */
  readonly hostAddress: string;
  readonly hostPort: number;
  /** How long load balancers take to notice another answer. */
  readonly leadMs: number;
}

/** Each release of a service backs off alone: a failed pull of the next one delays no repair of the last. */
export const failedStepKey = (service: string, release: string): string => `${service} ${release}`;
/** Stands for the release in the key of the edge's steps. */
export const EDGE_TARGET = 'edge';
export const serviceOf = (key: string): string => key.slice(0, key.indexOf(' '));

/** An action that failed for a reason outside the release. */
export interface FailedStep {
  readonly action: ActionKind;
  /** The release that the action served. */
  readonly release: string;
  readonly containerId: string | undefined;
  readonly code: ErrorCode;
  readonly message: string;
  readonly advice: string;
  /** Failures in a row. */
  readonly count: number;
  readonly untilMs: EpochMs;
  /** The engine refuses it as declared. Only another release, a raised attempt or `retry` tries it again. */
  readonly isFinal?: true;
  /** Attempt of the desired release at the failure; undefined if another release was desired. */
  readonly attempt?: number;
}

/** What a service should run: a known release or, after a lost ledger, any container with this release id. */
export interface Target {
  readonly id: string;
  readonly version: string;
  readonly release: Release | undefined;
}

/** The plan's input for one service. */
export interface ServiceContext {
  readonly input: PlanInput;
  readonly service: Service;
  /** When the windows of this host allow a switch: now or later. */
  readonly opensAtMs: EpochMs;
  readonly record: ServiceRecord;
  /** Our containers of this service, except those being removed. */
  readonly own: readonly Container[];
  /** The foreign container that this service replaces, while it exists. */
  readonly foreign: Foreign | undefined;
  readonly isJob: boolean;
  /** Jobs that may run, because every service that waits for them has its turn. */
  readonly jobsInTurn: ReadonlySet<string>;
}

export interface Foreign {
  readonly container: Container;
  /** As it was before the takeover. */
  readonly adoption: Adoption;
  /** True once the ledger records it. */
  readonly recorded: boolean;
}

/** Whether the container is older than the failure of its release. A retry needs a new container. */
export const isSpent = ({ record }: ServiceContext, container: Container): boolean => {
  const failure = failureOf(record, container.owner?.release ?? '');
  return failure !== undefined && (container.detail?.createdAtMs ?? 0) <= failure.failedAtMs;
};

/** The switch to a release has begun once a container of it exists. */
export const hasBegun = (c: ServiceContext, release: string): boolean =>
  c.own.some((container) => container.owner?.release === release && !isSpent(c, container));
