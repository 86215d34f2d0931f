import type {
  Attachment,
  NetworkDefinition,
  Port,
  RestartPolicy,
  VolumeDefinition,
} from '../compose/project-model.ts';
import type { EdgeAction } from '../edge/edge-action.ts';
import type { EdgeFrontend, EdgeMode } from '../edge/edge-config.ts';
import type { ImageId } from '../image/reference.ts';
import type { Limits } from '../state/actual.ts';
import type { Adoption, Failure } from '../state/ledger.ts';
import type { Release, ReleaseImage } from '../state/release.ts';

/** One step of a plan: plain JSON, idempotent, safe to die before, during and after. */
export type Action =
  /** Ask the registry once which digest a tag means, and record it. */
  | { readonly kind: 'resolve-tag'; readonly image: ReleaseImage; readonly key: string }
  /**
   * Bring the image here, verified against its digest; `keepAs` is the tag that keeps it from every clean-up.
   */
  | { readonly kind: 'pull'; readonly image: ReleaseImage; readonly keepAs?: string }
  | {
      readonly kind: 'create-network';
      readonly name: string;
      readonly network: string;
      readonly hash: string;
      readonly definition: NetworkDefinition;
      /**
       * The engine picks the subnet as always, but addresses in its lower half can be asked for and are given
       * to nobody else.
       */
      readonly pinned?: true;
    }
  | { readonly kind: 'remove-network'; readonly id: string; readonly name: string }
  | {
      readonly kind: 'create-volume';
      readonly name: string;
      readonly volume: string;
      readonly hash: string;
      readonly definition: VolumeDefinition;
    }
  | CreateContainer
  /** No restart policy any more: the engine must not bring this one back. */
  | { readonly kind: 'disarm'; readonly container: ContainerRef }
  /** The declared restart policy in force. */
  | { readonly kind: 'arm'; readonly container: ContainerRef; readonly restart: RestartPolicy }
  | { readonly kind: 'rename'; readonly container: ContainerRef; readonly to: string }
  | {
      readonly kind: 'connect';
      readonly container: ContainerRef;
      readonly network: string;
      readonly attachment: Attachment;
      /**
       * The service's name, by which others find it; undefined: by no name at all, not even a declared one.
       */
      readonly alias: string | undefined;
    }
  /** Leaves the network and joins it again under its names: an endpoint's names can't be changed. */
  | {
      readonly kind: 'rejoin';
      readonly container: ContainerRef;
      readonly network: string;
      readonly attachment: Attachment;
      readonly alias: string;
    }
  | CreateEdge
  /** SIGUSR1: this edge binds nothing any more, and ends when its last session is over. */
  | { readonly kind: 'leave-edge'; readonly container: ContainerRef }
  | EdgeStep
  /** Files of edges that are gone: all but these instances'. */
  | { readonly kind: 'edge-discard'; readonly keep: readonly string[] }
  | { readonly kind: 'start'; readonly container: ContainerRef; readonly release: string }
  | { readonly kind: 'unpause'; readonly container: ContainerRef }
  | { readonly kind: 'stop'; readonly container: ContainerRef; readonly graceMs: number }
  | { readonly kind: 'remove'; readonly container: ContainerRef }
  /** Resource limits that somebody changed, put back. */
  | { readonly kind: 'limit'; readonly container: ContainerRef; readonly limits: Partial<Limits> }
  | {
      readonly kind: 'tag-image';
      readonly imageId: ImageId;
      readonly repository: string;
      readonly tag: string;
    }
  | { readonly kind: 'remove-image'; readonly imageId: ImageId; readonly references: readonly string[] }
  /** Ledger: these containers take no new connections from now on, or (`draining: false`) do again. */
  | { readonly kind: 'drain'; readonly containers: readonly ContainerRef[]; readonly draining: boolean }
  /** Ledger: a foreign container is about to be taken over. */
  | { readonly kind: 'adopt'; readonly adoption: Adoption }
  /** Ledger: this release is good; rollbacks come back to it. */
  | {
      readonly kind: 'remember';
      readonly release: Release;
      readonly imageId: ImageId;
      readonly completed: boolean;
      /** Another release is wanted, and failed or can't begin. */
      readonly isFallback?: true;
    }
  /** Ledger: this release failed here. `containers` are asked for their last words first. */
  | {
      readonly kind: 'quarantine';
      readonly failure: Omit<Failure, 'log' | 'failedAtMs'>;
      readonly containers: readonly ContainerRef[];
      /** Another release is wanted. */
      readonly isFallback?: true;
    }
  /** Ledger: nothing of this service is left. */
  | { readonly kind: 'forget' };

export type ActionKind = Action['kind'];

/** An action on one running edge. */
export type EdgeStep = EdgeAction & { readonly instance: string };

export interface CreateEdge {
  readonly kind: 'create-edge';
  readonly name: string;
  readonly instance: string;
  /** `edgeShape` of its config. */
  readonly shape: string;
  readonly imageId: ImageId;
  /** The edge that it takes the listeners over from. */
  readonly predecessor: string | undefined;
  /** Where it listens, and for which backend. */
  readonly frontends: readonly Pick<EdgeFrontend, 'hostAddress' | 'hostPort' | 'backend'>[];
  readonly mode: EdgeMode;
  /** Name of the edge network: where an edge in `publish` mode lives. */
  readonly network: string;
  /** What the engine publishes in `publish` mode; empty in `host` mode. */
  readonly ports: readonly {
    readonly hostAddress: string;
    readonly hostPort: number;
    readonly containerPort: number;
  }[];
}

export interface ContainerRef {
  readonly id: string;
  readonly name: string;
}

export interface CreateContainer {
  readonly kind: 'create';
  readonly name: string;
  readonly release: Release;
  readonly replica: number;
  readonly serial: number;
  readonly imageId: ImageId;
  /**
   * With its declared restart policy at once; else without one, because another container of this replica has
   * it.
   */
  readonly armed: boolean;
  /** Joins its networks under the names that others find it by; false: not before it is good. */
  readonly named: boolean;
  /** Its place on the edge network: that one is then its primary network, and no port is published. */
  readonly edge?: { readonly network: string; readonly ip: string };
  /** Logical network → name on the engine. */
  readonly networks: Readonly<Record<string, string>>;
  /** Logical volume → name on the engine. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Anonymous volumes carried over: target → volume name. */
  readonly carried: Readonly<Record<string, string>>;
  /** Another container is to be stopped for it: first the engine has to show that it would start this one. */
  readonly preflight?: Preflight;
}

/**
 * What a container may take that starts beside the one to be replaced, and does nothing; the rest is in use
 * until that one stops.
 */
export interface Preflight {
  readonly ports: readonly Port[];
  /** Logical networks on which it may have its declared address. */
  readonly addresses: readonly string[];
  /** For people: what it can't show. */
  readonly untried: readonly string[];
}
