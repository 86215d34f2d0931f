import type {
  ContainerSpec,
  NetworkDefinition,
  PullPolicy,
  ReadyCheck,
  VolumeDefinition,
} from '../compose/project-model.ts';
import type { Archive } from '../image/archive.ts';
import type { Digest, ImageId, ImageReference } from '../image/reference.ts';

/**
 * One exact thing to run: (service, spec hash, image digest) and what is needed to make it without any other
 * document.
 */
export interface Release {
  /** 64 hex digits. */
  readonly id: string;
  readonly service: string;
  /** `VERSION:SHA256` over the declared, resolved input. */
  readonly specHash: string;
  readonly image: ReleaseImage;
  /** For people: the tag, or the digest's first digits. */
  readonly version: string;
  /** Serial of the manifest that named it; 0 where the host pins the image. */
  readonly serial: number;
  readonly spec: ReleaseSpec;
}

export interface ReleaseImage {
  readonly reference: ImageReference;
  /** Undefined only for an image that exists on this host alone (`pull_policy: never`, or built here). */
  readonly digest: Digest | undefined;
  /** The signed or locally resolved id, where it is known beforehand. */
  readonly imageId: ImageId | undefined;
  readonly pullPolicy: PullPolicy;
  /** Compose's `platform`, where given. */
  readonly platform: string | undefined;
  /** Where it can be had when its registry is away. */
  readonly archive?: Archive;
}

export interface ReleaseSpec {
  readonly container: ContainerSpec;
  readonly containerName: string | undefined;
  /** By logical name; only those that the container uses. */
  readonly networks: Readonly<Record<string, Hashed<NetworkDefinition>>>;
  readonly volumes: Readonly<Record<string, Hashed<VolumeDefinition>>>;
  readonly ready: ReadyCheck | undefined;
  readonly monitorMs: number;
  readonly healthyWithinMs: number;
  /**
   * What the variables hold that were put into its settings; absent: none were. No message shows a value of
   * them.
   */
  readonly variables?: Readonly<Record<string, string>>;
  /** How `start-first` switches it; absent: `stop-first`, its ports are published by the engine. */
  readonly exposure?: Exposure;
}

/**
 * `edge`: published TCP ports belong to the edge. `alias`: found by name on its networks, once it is good.
 */
export type Exposure = 'edge' | 'alias';

export interface Hashed<Definition> {
  readonly definition: Definition;
  readonly hash: string;
}
