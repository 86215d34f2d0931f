import type Docker from 'dockerode';

/** What the engine says of one thing, by path, with names and ids of this run replaced by what they stand for. */
export interface Facts {
  /** `SERVICE/NUMBER` of a container, `network NAME`, `volume NAME`. */
  readonly of: string;
  readonly facts: Readonly<Record<string, unknown>>;
}

export interface FactsOptions {
  /** The project's name, which begins the names of its networks and volumes. */
  readonly prefix: string;
  /** Names and ids of the images, and what to call them. */
  readonly imageNames: Readonly<Record<string, string>>;
}

type Inspected = Docker.ContainerInspectInfo;

/** What the engine gives a running container, never what it was told. */
const GIVEN_BY_ENGINE = [
  'EndpointID',
  'NetworkID',
  'Gateway',
  'IPAddress',
  'IPPrefixLen',
  'IPv6Gateway',
  'GlobalIPv6Address',
  'GlobalIPv6PrefixLen',
];

/** Lists whose order means nothing. */
const SETS =
  /^(?:Config\.Env|HostConfig\.(?:CapAdd|CapDrop|SecurityOpt|GroupAdd|ExtraHosts|Ulimits|Devices)|.*\.Aliases)$/;

const isNothing = (value: unknown): boolean =>
  value === null ||
  value === undefined ||
  value === '' ||
  (typeof value === 'object' && Object.keys(value).length === 0);

const flatten = (value: unknown, path: string, into: Record<string, unknown>): void => {
  // Absent, null and empty are the same to the engine.
  if (isNothing(value)) return;
  if (Array.isArray(value)) {
    const texts = value.map((item) => JSON.stringify(item));
    into[path] = SETS.test(path) ? texts.toSorted() : texts;
  } else if (typeof value === 'object') {
    for (const [key, member] of Object.entries(value as object))
      flatten(member, path === '' ? key : `${path}.${key}`, into);
  } else {
    into[path] = value;
  }
};

/** `{"80/tcp": {}}` is a set, and would flatten to nothing. */
const setsOf = ({ ExposedPorts, Volumes, ...rest }: Inspected['Config']): object => ({
  ...rest,
  ExposedPorts: Object.keys(ExposedPorts ?? {}).toSorted(),
  Volumes: Object.keys(Volumes ?? {}).toSorted(),
});

/** `SOURCE:TARGET[:OPTIONS]` */
const bindByTarget = (bind: string): [string, object] => {
  const [source, target = '', options = 'rw'] = bind.split(':');
  return [target, { source, options }];
};

/** Mounts have no order: by target, so that a difference names the mount. */
const byTarget = ({ HostConfig, Mounts }: Inspected): object => ({
  'HostConfig.Binds': Object.fromEntries((HostConfig.Binds ?? []).map(bindByTarget)),
  'HostConfig.Mounts': Object.fromEntries((HostConfig.Mounts ?? []).map((m) => [m.Target, m])),
  Mounts: Object.fromEntries(Mounts.map((m) => [m.Destination, m])),
});

const anonymousVolumes = (i: Inspected): [string, string][] =>
  i.Mounts.flatMap((m) =>
    m.Name !== undefined && /^[a-f0-9]{64}$/.test(m.Name) ? [[m.Name, `<anonymous ${m.Destination}>`]] : [],
  );

/** Each name and id of this run, longest first, and what it stands for. */
const tokensOf = (i: Inspected, { prefix, imageNames }: FactsOptions): readonly [string, string][] => {
  const image = Object.entries(imageNames).flatMap(([name, token]): [string, string][] =>
    token === imageNames[i.Image] ? [[name, token]] : [],
  );
  const tokens: [string, string][] = [
    [i.Id, '<id>'],
    [i.Id.slice(0, 12), '<short id>'],
    [`${prefix}_`, '<project>_'],
    ...anonymousVolumes(i),
    ...image,
  ];
  return tokens.toSorted(([a], [b]) => b.length - a.length);
};

const withTokens = (value: unknown, tokens: readonly [string, string][]): unknown => {
  if (typeof value === 'string')
    return tokens.reduce((text, [name, token]) => text.replaceAll(name, token), value);
  if (Array.isArray(value)) return value.map((item) => withTokens(item, tokens));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, member]) => [
      withTokens(key, tokens) as string,
      withTokens(member, tokens),
    ]),
  );
};

const endpoint = (settings: Docker.NetworkInfo, isFixed: boolean): object =>
  Object.fromEntries(
    Object.entries(settings).filter(
      ([key]) => !GIVEN_BY_ENGINE.includes(key) && (key !== 'MacAddress' || isFixed),
    ),
  );

/** Addresses made from a MAC that the engine chose start with 02:42 and the IPv4 address. */
const isMacFixed = ({ MacAddress, IPAddress }: Docker.NetworkInfo): boolean => {
  const fromAddress = IPAddress.split('.').map((part) => Number(part).toString(16).padStart(2, '0'));
  return MacAddress !== ['02', '42', ...fromAddress].join(':');
};

/** The configuration of a container: Config, HostConfig, what it asked of its networks, and its mounts. */
export const factsOfContainer = (i: Inspected, options: FactsOptions): Facts => {
  const labels = i.Config.Labels;
  const networks = Object.entries(i.NetworkSettings.Networks).map(([name, n]) => [
    name,
    endpoint(n, isMacFixed(n)),
  ]);
  const { Binds: _binds, Mounts: _mounts, ...HostConfig } = i.HostConfig;
  const looked = {
    Config: setsOf(i.Config),
    HostConfig,
    Networks: Object.fromEntries(networks) as object,
    ...byTarget(i),
  };
  const facts: Record<string, unknown> = {};
  flatten(withTokens(looked, tokensOf(i, options)), '', facts);
  const [service, number] = [
    labels['com.docker.compose.service'],
    labels['com.docker.compose.container-number'],
  ];
  return { of: `${service ?? '?'}/${number ?? '?'}`, facts };
};

/** Subnets that the engine picked are not part of the definition. */
export const factsOfNetwork = (
  n: Docker.NetworkInspectInfo,
  { prefix }: FactsOptions,
  fixedSubnet: string,
): Facts => {
  const { Driver, Internal, Attachable, EnableIPv6, Options, Labels } = n;
  const config = n.IPAM?.Config ?? [];
  const isFixed = config.some((pool) => pool['Subnet']?.startsWith(fixedSubnet));
  const looked = {
    Driver,
    Internal,
    Attachable,
    EnableIPv6,
    Options,
    Labels,
    IPAM: { Driver: n.IPAM?.Driver, Config: isFixed ? config : [] },
  };
  const facts: Record<string, unknown> = {};
  const tokens: [string, string][] = [[`${prefix}_`, '<project>_']];
  flatten(withTokens(looked, tokens), '', facts);
  return { of: `network ${withTokens(n.Name, tokens) as string}`, facts };
};

export const factsOfVolume = (
  { Name, Driver, Options, Labels }: Docker.VolumeInspectInfo,
  { prefix }: FactsOptions,
): Facts => {
  const facts: Record<string, unknown> = {};
  flatten({ Driver, Options, Labels }, '', facts);
  return { of: `volume ${Name.replace(`${prefix}_`, '<project>_')}`, facts };
};
