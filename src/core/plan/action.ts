import type { Attachment, NetworkDefinition, RestartPolicy, VolumeDefinition } from '../compose/model.ts';
import type { ImageId } from '../image/reference.ts';
import type { Limits } from '../state/actual.ts';
import type { Adoption, Failure } from '../state/ledger.ts';
import type { Release, ReleaseImage } from '../state/release.ts';

/** One step of a plan: plain JSON, idempotent, safe to die before, during and after. */
export type Action =
  /** Ask the registry once which digest a tag means, and record it. */
  | { readonly kind: 'resolve-tag'; readonly image: ReleaseImage; readonly key: string }
  /** Bring the image here, verified against its digest; `keepAs` is the tag that keeps it from every clean-up. */
  | { readonly kind: 'pull'; readonly image: ReleaseImage; readonly keepAs?: string }
  | {
      readonly kind: 'create-network';
      readonly name: string;
      readonly network: string;
      readonly hash: string;
      readonly definition: NetworkDefinition;
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
      readonly alias: string;
    }
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
  /** Ledger: a foreign container is about to be taken over. */
  | { readonly kind: 'adopt'; readonly adoption: Adoption }
  /** Ledger: this release is good; rollbacks come back to it. */
  | {
      readonly kind: 'remember';
      readonly release: Release;
      readonly imageId: ImageId;
      readonly completed: boolean;
    }
  /** Ledger: this release failed here. `containers` are asked for their last words first. */
  | {
      readonly kind: 'quarantine';
      readonly failure: Omit<Failure, 'log' | 'failedAtMs'>;
      readonly containers: readonly ContainerRef[];
    }
  /** Ledger: nothing of this service is left. */
  | { readonly kind: 'forget' };

export type ActionKind = Action['kind'];

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
  /** With its declared restart policy at once; else without one, because another container of this replica has it. */
  readonly armed: boolean;
  /** Logical network → name on the engine. */
  readonly networks: Readonly<Record<string, string>>;
  /** Logical volume → name on the engine. */
  readonly volumes: Readonly<Record<string, string>>;
  /** Anonymous volumes carried over: target → volume name. */
  readonly carried: Readonly<Record<string, string>>;
}
