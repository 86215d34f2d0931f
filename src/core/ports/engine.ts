import type { ImageOrigin } from '../image/origin.ts';
import type { Digest, ImageId } from '../image/reference.ts';
import type { Action } from '../plan/action.ts';
import type { Actual, EngineFacts } from '../state/actual.ts';
import type { ReleaseImage } from '../state/release.ts';
import type { EdgeRuntimeAction } from './edge.ts';

/** The actions that change the engine; all others change only the ledger. */
export type EngineAction = Exclude<
  Action,
  | { readonly kind: 'resolve-tag' | 'adopt' | 'remember' | 'quarantine' | 'forget' | 'drain' }
  | EdgeRuntimeAction
>;

export interface PullProgress {
  readonly layersDone: number;
  readonly layersTotal: number;
  readonly bytesDone: number;
  /** Known only as the engine learns it: grows with the layers it has looked at. */
  readonly bytesTotal: number;
}

export interface ObserveScope {
  readonly environment: string;
  /**
   * Names or ids of foreign containers that services take over, or whose namespaces they join: looked at
   * closely too.
   */
  readonly replaces: readonly string[];
  /**
   * Ids of containers that are known to be ours; of others with our labels the create-time facts are asked
   * for. Absent: of none.
   */
  readonly known?: readonly string[];
}

/** The answer to a `create` or `create-edge`. */
export interface CreatedContainer {
  readonly kind: 'container';
  readonly id: string;
}

/**
 * What an action brought: an image for a pull, a container for a create. Undefined: nothing, or it was there
 * already.
 */
export type Applied = ImageOrigin | CreatedContainer | undefined;

export type TagMeaning =
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'local'; readonly imageId: ImageId };

/** The disk that the engine keeps its images on. */
export interface DiskSpace {
  readonly folder: string;
  readonly freeBytes: number;
}

/**
 * The container engine of this host. Every method rejects with an AgentError, ENGINE_OFFLINE where nothing
 * answers.
 */
export interface Engine {
  /** As of the last time a connection was made. */
  readonly facts: () => Promise<EngineFacts>;
  /**
   * Undefined where it can't be looked at from here: another machine's, or a folder that this user may not
   * enter.
   */
  readonly room: () => Promise<DiskSpace | undefined>;
  readonly observe: (scope: ObserveScope, signal: AbortSignal) => Promise<Actual>;
  /** Idempotent: what is already so is success. */
  readonly apply: (
    action: EngineAction,
    environment: string,
    onProgress: (progress: PullProgress) => void,
    signal: AbortSignal,
  ) => Promise<Applied>;
  /**
   * What a tag means now: the registry's digest; the local image where the policy forbids to ask. With a
   * digest: whether it is there.
   */
  readonly resolveTag: (image: ReleaseImage, signal: AbortSignal) => Promise<TagMeaning>;
  /** Last lines that a container wrote, oldest first; empty where its log driver can't be read. */
  readonly lastLines: (containerId: string, lines: number, signal: AbortSignal) => Promise<readonly string[]>;
  /** Runs a program in a running container. Undefined: there is no such container, or it does not run. */
  readonly run: (
    container: string,
    command: readonly string[],
    signal: AbortSignal,
  ) => Promise<{ readonly exitCode: number; readonly output: string } | undefined>;
  /** Calls back at every event that can matter to us; settles when the stream ends, for whatever reason. */
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
  'edge-discard',
]);
export const isEdgeAction = (action: Action): action is EdgeRuntimeAction => EDGE_KINDS.has(action.kind);
export const isEngineAction = (action: Action): action is EngineAction =>
  !LEDGER_KINDS.has(action.kind) && !isEdgeAction(action);
