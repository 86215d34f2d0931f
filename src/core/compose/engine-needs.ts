import type { ContainerSpec, EngineNeed, PlacedNeed } from './project-model.ts';

const SUBPATH: EngineNeed = {
  setting: 'volume.subpath',
  keys: ['volumes'],
  api: '1.45',
  docker: '26.0',
  advice: 'upgrade the engine, or mount the whole volume',
};

const START_INTERVAL: EngineNeed = {
  setting: 'healthcheck.start_interval',
  keys: ['healthcheck', 'start_interval'],
  api: '1.44',
  docker: '25.0',
  advice: 'upgrade the engine, or remove start_interval',
};

export const engineNeeds = ({ mounts, healthcheck }: ContainerSpec): readonly EngineNeed[] => [
  ...(mounts.some((mount) => mount.kind === 'volume' && mount.subpath !== undefined) ? [SUBPATH] : []),
  ...(healthcheck?.startIntervalMs === undefined ? [] : [START_INTERVAL]),
];

/** Negative if API version `a` is older than `b`, positive if it is newer. */
export const compareApi = (a: string, b: string): number => {
  const [aMajor = 0, aMinor = 0] = a.split('.').map(Number);
  const [bMajor = 0, bMinor = 0] = b.split('.').map(Number);
  return aMajor - bMajor || aMinor - bMinor;
};

interface Versions {
  readonly version: string;
  readonly apiVersion: string;
}

export const isUnmet = ({ api }: EngineNeed, { apiVersion }: Versions): boolean =>
  compareApi(apiVersion, api) < 0;

export const describeNeed = ({ setting, docker }: EngineNeed, { version }: Versions): string =>
  `${setting} needs Docker ${docker} or newer, and this engine is ${version}`;

/** With file, line and path. */
export const formatNeed = (need: PlacedNeed, engine: Versions): string =>
  `${need.file}:${need.line}: ${need.path}: ${describeNeed(need, engine)}`;
