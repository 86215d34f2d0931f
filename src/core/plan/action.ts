import type {
  Attachment,
  InlineFile,
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

/** One step of a plan. Plain JSON and idempotent; the agent may die before, during or after it. */
export type Action =
  /** Asks the registry once which digest a tag means, and records it. */
  | { readonly kind: 'resolve-tag'; readonly image: ReleaseImage; readonly key: string }
  /** Fetches the image, verified against its digest. The tag `keepAs` keeps it from every clean-up. */
  | { readonly kind: 'pull'; readonly image: ReleaseImage; readonly keepAs?: string }
  | {
      readonly kind: 'create-network';
      readonly name: string;
      readonly network: string;
      readonly hash: string;
      readonly definition: NetworkDefinition;
      /** The engine picks the subnet, but keeps its lower half for addresses that the agent requests. */
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
  /** Removes the restart policy, so that the engine does not start the container again. */
  | { readonly kind: 'disarm'; readonly container: ContainerRef }
  /** Puts the declared restart policy in force. */
  | { readonly kind: 'arm'; readonly container: ContainerRef; readonly restart: RestartPolicy }
  | { readonly kind: 'rename'; readonly container: ContainerRef; readonly to: string }
  | ({ readonly kind: 'connect' } & JoinNetwork)
  /** Leaves the network and joins it again: the names and addresses of an endpoint cannot be changed. */
  | ({ readonly kind: 'rejoin' } & JoinNetwork)
  | CreateEdge
  /** Sends SIGUSR1: the edge stops listening, and ends with its last session. */
  | { readonly kind: 'leave-edge'; readonly container: ContainerRef }
  | EdgeStep
  /** Deletes the files of all edges but these instances. */
  | { readonly kind: 'edge-discard'; readonly keep: readonly string[] }
  /** Puts the files into the container first. */
  | {
      readonly kind: 'start';
      readonly container: ContainerRef;
      readonly release: string;
      readonly files?: readonly InlineFile[];
    }
  | { readonly kind: 'unpause'; readonly container: ContainerRef }
  | {
      readonly kind: 'stop';
      readonly container: ContainerRef;
      readonly graceMs: number;
      /**
       * No client reaches it and it publishes no port, so that the next release need not wait for its end.
       */
      readonly isDrained?: true;
    }
  | { readonly kind: 'remove'; readonly container: ContainerRef }
  /** Restores resource limits that were changed by hand. */
  | { readonly kind: 'limit'; readonly container: ContainerRef; readonly limits: Partial<Limits> }
  | {
      readonly kind: 'tag-image';
      readonly imageId: ImageId;
      readonly repository: string;
      readonly tag: string;
    }
  | { readonly kind: 'remove-image'; readonly imageId: ImageId; readonly references: readonly string[] }
  /** Ledger: these containers take no new connections from now on, or do again (`draining: false`). */
  | { readonly kind: 'drain'; readonly containers: readonly ContainerRef[]; readonly draining: boolean }
  /** Ledger: a foreign container is about to be taken over. */
  | { readonly kind: 'adopt'; readonly adoption: Adoption }
  /** Ledger: this release is good; rollbacks return to it. */
  | {
      readonly kind: 'remember';
      readonly release: Release;
      readonly imageId: ImageId;
      readonly completed: boolean;
      /** Another release is desired, but failed or cannot begin. */
      readonly isFallback?: true;
    }
  /** Ledger: this release failed here. The last log lines of `containers` are recorded with it. */
  | {
      readonly kind: 'quarantine';
      readonly failure: Omit<Failure, 'log' | 'failedAtMs'>;
      readonly containers: readonly ContainerRef[];
      /** Another release is desired. */
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
  /** The instance from which it takes the listeners. */
  readonly predecessor: string | undefined;
  /** Where it listens, and for which backend. */
  readonly frontends: readonly Pick<EdgeFrontend, 'hostAddress' | 'hostPort' | 'backend'>[];
  readonly mode: EdgeMode;
  /** Name of the edge network, which an edge in `publish` mode joins. */
  readonly network: string;
  /** What the engine publishes in `publish` mode; empty in `host` mode. */
  readonly ports: readonly {
    readonly hostAddress: string;
    readonly hostPort: number;
    readonly containerPort: number;
  }[];
}

export interface JoinNetwork {
  readonly container: ContainerRef;
  readonly network: string;
  readonly attachment: Attachment;
  /** The service's name on the network. Undefined for no name at all, not even a declared one. */
  readonly alias: string | undefined;
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
  /** False while another container of this replica has the restart policy. */
  readonly armed: boolean;
  /** False if it joins its networks without its names, to be found only once it is good. */
  readonly named: boolean;
  /** Its address on the edge network, which is then its primary network; no port is published. */
  readonly edge?: { readonly network: string; readonly ip: string };
  /** Logical network → name on the engine. */
  readonly networks: Readonly<Record<string, string>>;
  /** Logical volume → name on the engine. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Anonymous volumes carried over: target → volume name. */
  readonly carried: Readonly<Record<string, string>>;
  /** Present if another container stops for it: the engine first has to show that it would start this one. */
  readonly preflight?: Preflight;
}

/** What the preflight container may use; the rest is in use until the container to be replaced stops. */
export interface Preflight {
  readonly ports: readonly Port[];
  /** Those of its declared addresses that it may have, IPv4 and IPv6. */
  readonly addresses: readonly string[];
  /** For messages: what it cannot show. */
  readonly untried: readonly string[];
}
