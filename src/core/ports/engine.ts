import type { ImageOrigin } from '../image/image-origin.ts';
import type { Digest, ImageId } from '../image/reference.ts';
import type { Action } from '../plan/action.ts';
import type { Actual, EngineFacts } from '../state/actual.ts';
import type { ReleaseImage } from '../state/release.ts';
import type { EdgeRuntimeAction } from './edge.ts';

/** Actions that change the engine; the others change only the ledger or an edge. */
export type EngineAction = Exclude<
  Action,
  | { readonly kind: 'resolve-tag' | 'adopt' | 'remember' | 'quarantine' | 'forget' | 'drain' }
  | EdgeRuntimeAction
>;

export interface PullProgress {
  readonly layersDone: number;
  readonly layersTotal: number;
  readonly bytesDone: number;
  /** Grows as the engine learns the sizes of the layers. */
  readonly bytesTotal: number;
}

export interface ObserveScope {
  readonly environment: string;
  /**
   * Names or ids of foreign containers to inspect too, because services take them over or join their
   * namespaces.
   */
  readonly replaces: readonly string[];
  /**
   * Ids of containers known to be ours. Other containers with our labels are inspected for their create-time
   * properties; none if undefined.
   */
  readonly known?: readonly string[];
}

/** The result of `create` or `create-edge`. */
export interface CreatedContainer {
  readonly kind: 'container';
  readonly id: string;
}

/**
 * Result of an action: an image for a pull, a container for a create. Undefined if there is none or nothing
 * changed.
 */
export type Applied = ImageOrigin | CreatedContainer | undefined;

export type TagMeaning =
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'local'; readonly imageId: ImageId };

/** The disk with the engine's images. */
export interface DiskSpace {
  readonly folder: string;
  readonly freeBytes: number;
}

/**
 * The container engine of this host. Every method rejects with an AgentError, ENGINE_OFFLINE if the engine
 * does not answer.
 */
export interface Engine {
  /** As of the last new connection. */
  readonly facts: () => Promise<EngineFacts>;
  /** Undefined if it cannot be read: another machine's disk, or a folder without permission. */
  readonly room: () => Promise<DiskSpace | undefined>;
  readonly observe: (scope: ObserveScope, signal: AbortSignal) => Promise<Actual>;
  /** Idempotent: an action that is already done succeeds. */
  readonly apply: (
    action: EngineAction,
    environment: string,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ) => Promise<Applied>;
  /**
   * What a tag means now: the registry's digest, or the local image if the pull policy forbids a lookup. For
   * a digest, checks that it exists.
   */
  readonly resolveTag: (image: ReleaseImage, signal: AbortSignal) => Promise<TagMeaning>;
  /** The container's last log lines, oldest first; empty if its log driver cannot be read. */
  readonly lastLines: (containerId: string, lines: number, signal: AbortSignal) => Promise<readonly string[]>;
  /** Runs a program in a container. Undefined if the container does not exist or does not run. */
  readonly run: (
    container: string,
    command: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly exitCode: number; readonly output: string } | undefined>;
  /** Calls back at every relevant event; settles when the stream ends for any reason. */
  readonly watch: (onEvent: () => void, signal: AbortSignal) => Promise<void>;
}

const LEDGER_KINDS: ReadonlySet<Action['kind']> = new Set([
  'resolve-tag',
  'adopt',
  'remember',
  'quarantine',
  'forget',
  'drain',
]);
const EDGE_KINDS: ReadonlySet<Action['kind']> = new Set<EdgeRuntimeAction['kind']>([
  'edge-write',
  'edge-add-server',
  'edge-set-state',
  'edge-cut-sessions',
  'edge-remove-server',
  'edge-close-port',
  'edge-answer',
  'edge-discard',
]);
export const isEdgeAction = (action: Action): action is EdgeRuntimeAction => EDGE_KINDS.has(action.kind);
export const isEngineAction = (action: Action): action is EngineAction =>
  !LEDGER_KINDS.has(action.kind) && !isEdgeAction(action);
