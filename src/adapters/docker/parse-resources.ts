import type Dockerode from 'dockerode';
import { isDigest, tryParseImage, type ImageId } from '../../core/image/reference.ts';
import { LABELS } from '../../core/docker-names.ts';
import type { EngineFacts, Image, Limits, Network, Volume } from '../../core/state/actual.ts';
import { asText, labelsOf } from './response-types.ts';

export const imageOf = (info: Dockerode.ImageInfo): Image => ({
  id: asText(info.Id) as ImageId,
  // The engine writes <none>:<none> for an image without a name, which does not parse.
  tags: (info.RepoTags ?? []).flatMap((name) => {
    const image = tryParseImage(name);
    return image?.tag === undefined ? [] : [{ repository: image.repository, tag: image.tag }];
  }),
  digests: (info.RepoDigests ?? []).flatMap((name) => {
    const image = tryParseImage(name);
    return image?.digest !== undefined && isDigest(image.digest)
      ? [{ repository: image.repository, digest: image.digest }]
      : [];
  }),
});

const otherEnvironment = (
  labels: Readonly<Record<string, string>>,
  environment: string,
): Pick<Volume, 'otherEnvironment'> => {
  const name = labels[LABELS.environment];
  return name === undefined || name === environment ? {} : { otherEnvironment: name };
};

/** The other gateway modes open ports of containers without mapping them to the host. */
const isRouted = ([option, value]: readonly [string, string]): boolean =>
  option.startsWith('com.docker.network.bridge.gateway_mode_') && value !== 'nat';

const publishing = ({
  Internal,
  Driver,
  Options,
}: Dockerode.NetworkInspectInfo): Pick<Network, 'publishes'> => {
  if (Internal) return { publishes: 'never' };
  const options = (Options as Readonly<Record<string, string>> | null | undefined) ?? {};
  const isPlain = Driver === 'bridge' && !Object.entries(options).some(isRouted);
  return isPlain ? {} : { publishes: 'unknown' };
};

export const networkOf = (info: Dockerode.NetworkInspectInfo, environment: string): Network => {
  const labels = labelsOf(info.Labels);
  const network = labels[LABELS.network];
  const isOurs = labels[LABELS.environment] === environment && network !== undefined;
  return {
    id: asText(info.Id),
    name: asText(info.Name),
    subnets: (info.IPAM?.Config ?? []).flatMap((c) => (c['Subnet'] ? [c['Subnet']] : [])),
    ...publishing(info),
    owner: isOurs ? { network, hash: labels[LABELS.definition] ?? '' } : undefined,
    ...otherEnvironment(labels, environment),
  };
};

export const volumeOf = (info: Dockerode.VolumeInspectInfo, environment: string): Volume => {
  const labels = labelsOf(info.Labels);
  const volume = labels[LABELS.volume];
  const isOurs = labels[LABELS.environment] === environment && volume !== undefined;
  return {
    name: asText(info.Name),
    owner: isOurs ? { volume, hash: labels[LABELS.definition] ?? '' } : undefined,
    ...otherEnvironment(labels, environment),
  };
};

/** The members of GET /info that we use. */
export interface EngineInfo {
  readonly ID: string;
  readonly DockerRootDir: string;
  readonly OSType: string;
  readonly Architecture: string;
  readonly ServerVersion: string;
  readonly LoggingDriver?: unknown;
  readonly MemoryLimit: boolean;
  readonly SwapLimit: boolean;
  readonly CpuCfsQuota: boolean;
  readonly CPUShares: boolean;
  readonly CPUSet: boolean;
  readonly PidsLimit: boolean;
}

/** The engine says `x86_64`; images and manifests say `amd64`. */
const ARCHITECTURES: Readonly<Record<string, string>> = {
  x86_64: 'amd64',
  aarch64: 'arm64',
  armv7l: 'arm/v7',
  armv6l: 'arm/v6',
  i686: '386',
};

export const factsOf = (
  info: EngineInfo,
  apiVersion: string,
  remoteHost: string | undefined,
): EngineFacts => {
  const enforced: readonly (readonly [keyof Limits, boolean])[] = [
    ['memoryBytes', info.MemoryLimit],
    ['memorySwapBytes', info.MemoryLimit && info.SwapLimit],
    ['memoryReservationBytes', info.MemoryLimit],
    ['nanoCpus', info.CpuCfsQuota],
    ['cpuShares', info.CPUShares],
    ['cpuset', info.CPUSet],
    ['pidsLimit', info.PidsLimit],
  ];
  return {
    id: asText(info.ID),
    version: asText(info.ServerVersion),
    apiVersion,
    platform: `${asText(info.OSType)}/${ARCHITECTURES[info.Architecture] ?? asText(info.Architecture)}`,
    remoteHost,
    ...(typeof info.LoggingDriver === 'string' && { logDriver: info.LoggingDriver }),
    enforces: enforced.filter(([, isEnforced]) => isEnforced).map(([key]) => key),
  };
};
