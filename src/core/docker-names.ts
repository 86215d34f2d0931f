import { createHash } from 'node:crypto';

/** Names and labels on the host (docs/DOCUMENTS.md, "Names on the host"). Part of the public surface. */
export const LABELS = {
  environment: 'io.supercargo.environment',
  service: 'io.supercargo.service',
  replica: 'io.supercargo.replica',
  release: 'io.supercargo.release',
  serial: 'io.supercargo.serial',
  version: 'io.supercargo.version',
  spec: 'io.supercargo.spec',
  /** The declared restart policy, `always` or `on-failure:3`. A disarmed container gets it back later. */
  restart: 'io.supercargo.restart',
  network: 'io.supercargo.network',
  volume: 'io.supercargo.volume',
  /** On an edge's container: its instance, and the shape of its configuration. */
  edge: 'io.supercargo.edge',
  edgeShape: 'io.supercargo.edge-shape',
  /** On a preflight container, which only proves that a container with these settings can start. */
  preflight: 'io.supercargo.preflight',
  /** The instance from which the edge takes over the listeners. */
  edgePredecessor: 'io.supercargo.edge-predecessor',
  /**
   * The listeners of the edge and their services, `any:8080=web,10.0.0.1:81=api`. Other environments read
   * this.
   */
  edgePorts: 'io.supercargo.edge-ports',
  /** Hash of a network's or volume's definition. */
  definition: 'io.supercargo.definition',
} as const;

/**
 * A name that the engine accepts for a container, a network or a volume. Container names contain the
 * service's name.
 */
export const NAME = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/;

export const projectName = (environment: string): string => `supercargo-${environment}`;

export const containerName = (
  environment: string,
  service: string,
  replica: number,
  release: string,
): string => `${environment}-${service}-${replica}-${release.slice(0, 8)}`;

export const edgeContainerName = (environment: string, instance: string): string =>
  `${environment}-edge-${instance}`;

export const preflightName = (environment: string, service: string, suffix: string): string =>
  `${environment}-${service}-preflight-${suffix}`;
export const isPreflightName = (environment: string, name: string): boolean =>
  name.startsWith(`${environment}-`) && /-preflight-[0-9a-f]{8}$/.test(name);

/** The name of a container that must give up its own name but is still needed. */
export const asideName = (environment: string, service: string, containerId: string): string =>
  `${environment}-${service}-aside-${containerId.slice(0, 12)}`;

export const networkName = (environment: string, network: string): string => `${environment}_${network}`;
export const volumeName = (environment: string, volume: string): string => `${environment}_${volume}`;

/**
 * A valid part of a repository name. Environments may also be called `a_`, `a-` or `a___b`, which it
 * excludes.
 */
const REPOSITORY_PART = /^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$/;

/**
 * The repository of the tags that protect the images of good releases from pruning:
 * `supercargo-ENV:SERVICE-RELEASE`. If ENV is not valid in a repository name, a digest replaces it. The
 * digest follows a dot, which no environment name contains, so two environments never share a repository.
 */
export const keepRepository = (environment: string): string =>
  REPOSITORY_PART.test(environment)
    ? `supercargo-${environment}`
    : `supercargo-env.${createHash('sha256').update(environment).digest('hex').slice(0, 16)}`;
export const keepTag = (service: string, release: string): string =>
  `${service.slice(0, 100)}-${release.slice(0, 8)}`;
/**
 * The tag that protects an edge's image. Its 16 hex digits keep it distinct from the tags of services, which
 * have 8.
 */
export const keepEdgeTag = (digest: string): string => `edge-${digest.slice('sha256:'.length).slice(0, 16)}`;
