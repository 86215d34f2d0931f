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
  /**
   * The declared restart policy, `always` or `on-failure:3`: what a container that is disarmed for a while
   * gets back.
   */
  restart: 'io.supercargo.restart',
  network: 'io.supercargo.network',
  volume: 'io.supercargo.volume',
  /** On an edge's container: its instance, and the shape of the config it was made for. */
  edge: 'io.supercargo.edge',
  edgeShape: 'io.supercargo.edge-shape',
  /** On a container that only shows that another one of this service could start. */
  preflight: 'io.supercargo.preflight',
  /** The instance that it was made to take the listeners over from. */
  edgePredecessor: 'io.supercargo.edge-predecessor',
  /**
   * Where it was made to listen, and for which service: `any:8080=web,10.0.0.1:81=api`. Other environments
   * read it.
   */
  edgePorts: 'io.supercargo.edge-ports',
  /** Hash of a network's or volume's definition. */
  definition: 'io.supercargo.definition',
} as const;

/**
 * What the engine takes for the name of a container, a network or a volume; services are named so too, as
 * their containers bear it.
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

/** The container that shows that another one could start; it is there for a moment. */
export const preflightName = (environment: string, service: string, suffix: string): string =>
  `${environment}-${service}-preflight-${suffix}`;
export const isPreflightName = (environment: string, name: string): boolean =>
  name.startsWith(`${environment}-`) && /-preflight-[0-9a-f]{8}$/.test(name);

/** Where a container goes that has to give its name away but is still needed. */
export const asideName = (environment: string, service: string, containerId: string): string =>
  `${environment}-${service}-aside-${containerId.slice(0, 12)}`;

export const networkName = (environment: string, network: string): string => `${environment}_${network}`;
export const volumeName = (environment: string, volume: string): string => `${environment}_${volume}`;

/** What may stand in a repository: `a_`, `a-` and `a___b` name an environment and no repository. */
const REPOSITORY_PART = /^[a-z0-9]+(?:(?:_|__|-+)[a-z0-9]+)*$/;

/**
 * The repository of the tags that keep a good release's image from being pruned:
 * `supercargo-ENV:SERVICE-RELEASE`. An environment whose name no repository can have gets a digest of it,
 * behind a dot: no name of an environment has one, so that no two share a repository.
 */
export const keepRepository = (environment: string): string =>
  REPOSITORY_PART.test(environment)
    ? `supercargo-${environment}`
    : `supercargo-env.${createHash('sha256').update(environment).digest('hex').slice(0, 16)}`;
export const keepTag = (service: string, release: string): string =>
  `${service.slice(0, 100)}-${release.slice(0, 8)}`;
/**
 * The same for an edge's image that is pinned by its digest. Longer than those of services: none is called
 * like it.
 */
export const keepEdgeTag = (digest: string): string => `edge-${digest.slice('sha256:'.length).slice(0, 16)}`;
