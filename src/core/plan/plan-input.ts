import type { ComposeProject, Service } from '../compose/project-model.ts';
import type { ErrorCode } from '../errors.ts';
import type { EdgeMode } from '../edge/edge-config.ts';
import type { Mirror } from '../image/mirror.ts';
import type { Manifest } from '../manifest/manifest.ts';
import type { Actual, Container } from '../state/actual.ts';
import type { Desired } from '../state/desired.ts';
import { failureOf, type Adoption, type Ledger, type ServiceRecord } from '../state/ledger.ts';
import type { Release, ReleaseImage } from '../state/release.ts';
import type { EpochMs } from '../time.ts';
import type { DeployWindow } from '../window/deploy-window.ts';
import type { ActionKind } from './action.ts';

/** Everything a plan depends on; planning the same input twice gives the same plan. */
export interface PlanInput {
  readonly environment: string;
  /** This host's name: decides its place in a rollout. */
  readonly host: string;
  readonly nowMs: EpochMs;
  readonly keepReleases: number;
  /** When switches may begin; none: always. */
  readonly windows: readonly DeployWindow[];
  readonly project: ComposeProject;
  readonly desired: Readonly<Record<string, Desired>>;
  readonly manifest: Manifest | undefined;
  /** The accepted manifest can't be trusted any more: what runs stays, nothing new starts. */
  readonly distrust: { readonly message: string; readonly advice: string } | undefined;
  readonly actual: Actual;
  readonly ledger: Ledger;
  /**
   * What last went wrong, by `failedStepKey`; forgotten when the agent restarts (then it is simply tried again).
   */
  readonly failedSteps: Readonly<Record<string, FailedStep>>;
  /** Container id → the start (epoch ms) since which its probe has answered. */
  readonly answered: Readonly<Record<string, EpochMs>>;
  /**
   * When this agent began to look without a break: no candidate fails for a silence that nobody listened to.
   */
  readonly watchingSinceMs: EpochMs;
  readonly edge: EdgeSetting;
  /** In the order to try. */
  readonly mirrors: readonly Mirror[];
  /** A step of the edge was under way when this was seen: half done is neither done nor wrong. */
  readonly isEdgeBusy: boolean;
  /** Addresses of containers whose creation is under way. */
  readonly reserved: readonly string[];
}

/** How this host runs its edge. */
export interface EdgeSetting {
  readonly image: ReleaseImage;
  readonly mode: EdgeMode;
  /** Owner of the edge's sockets, as its container sees it. */
  readonly agentUid: number;
  readonly hasIpv6: boolean;
}

/**
 * Each release of a service rests by itself: a failed pull of the next one does not delay a repair of the
 * last.
 */
export const failedStepKey = (service: string, release: string): string => `${service} ${release}`;
/** The key of the edge's steps, in the place of a release. */
export const EDGE_TARGET = 'edge';
export const serviceOf = (key: string): string => key.slice(0, key.indexOf(' '));

/** An action failed for a reason that is not the release's. */
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
  /**
   * The engine refuses this as it stands: it is tried again only once the release or its attempt changes, or
   * by `retry`.
   */
  readonly isFinal?: true;
  /** Of the desired release when it failed; undefined: another one was wanted. */
  readonly attempt?: number;
}

/**
 * What a service should run: a known release, or (after a lost ledger) just whatever container bears this id.
 */
export interface Target {
  readonly id: string;
  readonly version: string;
  readonly release: Release | undefined;
}

/** One service's share of the plan's input. */
export interface ServiceContext {
  readonly input: PlanInput;
  readonly service: Service;
  /** When a switch may begin by the windows of this host: now, or later. */
  readonly opensAtMs: EpochMs;
  readonly record: ServiceRecord;
  /** Our containers of this service, in any state. */
  readonly own: readonly Container[];
  /** The foreign container that this service replaces, while it exists. */
  readonly foreign: Foreign | undefined;
  readonly isJob: boolean;
}

export interface Foreign {
  readonly container: Container;
  /** As it was before we touched it. */
  readonly adoption: Adoption;
  /** True once the ledger knows of it. */
  readonly recorded: boolean;
}

/** A container of a release that failed before it is tried again: it has had its chance. */
export const isSpent = ({ record }: ServiceContext, container: Container): boolean => {
  const failure = failureOf(record, container.owner?.release ?? '');
  return failure !== undefined && (container.detail?.createdAtMs ?? 0) <= failure.failedAtMs;
};

/** The switch to a release has begun once a container of it exists. */
export const hasBegun = (c: ServiceContext, release: string): boolean =>
  c.own.some((container) => container.owner?.release === release && !isSpent(c, container));
