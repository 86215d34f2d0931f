import type {
  ContainerSpec,
  NetworkDefinition,
  PullPolicy,
  ReadyCheck,
  VolumeDefinition,
} from '../compose/project-model.ts';
import type { Archive } from '../image/archive.ts';
import type { Digest, ImageId, ImageReference } from '../image/reference.ts';

/** One exact thing to run: (service, spec hash, image digest), complete without any other document. */
export interface Release {
  /** 64 hex digits. */
  readonly id: string;
  readonly service: string;
  /** `VERSION:SHA256` of the declared, resolved input. */
  readonly specHash: string;
  readonly image: ReleaseImage;
  /** For people: the tag, or the digest's first digits. */
  readonly version: string;
  /** Serial of the manifest that named it; 0 if the host pins the image. */
  readonly serial: number;
  readonly spec: ReleaseSpec;
  /** Of a job that runs once in the fleet for each image and attempt. */
  readonly fleetJob?: { readonly attempt: number };
}

export interface ReleaseImage {
  readonly reference: ImageReference;
  /** Undefined only for an image that exists on this host alone (`pull_policy: never`, or built here). */
  readonly digest: Digest | undefined;
  /** The signed or locally resolved image id, if it is known before the pull. */
  readonly imageId: ImageId | undefined;
  readonly pullPolicy: PullPolicy;
  /** `platform` of the compose file, if given. */
  readonly platform: string | undefined;
  /** The archive to load if the registry is unreachable. */
  readonly archive?: Archive;
}

export interface ReleaseSpec {
  readonly container: ContainerSpec;
  readonly containerName: string | undefined;
  /** By logical name; only the networks and volumes that the container uses. */
  readonly networks: Readonly<Record<string, Hashed<NetworkDefinition>>>;
  readonly volumes: Readonly<Record<string, Hashed<VolumeDefinition>>>;
  readonly ready: ReadyCheck | undefined;
  readonly monitorMs: number;
  readonly healthyWithinMs: number;
  /** Values of variables in its settings, which no message shows; absent if there are none. */
  readonly variables?: Readonly<Record<string, string>>;
  /** How `start-first` switches it. Absent for `stop-first`: the engine publishes its ports. */
  readonly exposure?: Exposure;
}

/** `edge`: the edge has its published TCP ports. `alias`: its name leads to it once it is good. */
export type Exposure = 'edge' | 'alias';

export interface Hashed<Definition> {
  readonly definition: Definition;
  readonly hash: string;
}
