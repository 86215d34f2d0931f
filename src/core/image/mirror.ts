import { tryParseImage, type Repository } from './reference.ts';

/**
 * A server that has copies of a registry's images. The agent asks it by digest only: the registry alone
 * decides what a tag means.
 */
export interface Mirror {
  /** The mirrored registry, as in a normalised repository: `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  /** For people: `https://mirror.example.com/dockerhub`. */
  readonly url: string;
  /** The prefix that replaces the registry in the engine's names: `mirror.example.com/dockerhub`. */
  readonly prefix: string;
}

export type ParsedMirrors =
  | { readonly kind: 'mirrors'; readonly mirrors: readonly Mirror[] }
  /** Completes "SUPERCARGO_REGISTRY_MIRRORS …". It does not quote the value, which may contain a password. */
  | { readonly kind: 'problem'; readonly message: string };

/** The hosts (127.0.0.0/8) to which the engine speaks plain HTTP without extra configuration. */
const isPlainHost = (hostname: string): boolean =>
  hostname === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(hostname);

const registryOf = (name: string): string | undefined => {
  const image = tryParseImage(`${name}/x/x`);
  const registry = image?.repository.slice(0, -'/x/x'.length);
  // The engine reads any other name as the first part of a path on Docker Hub.
  return registry === undefined || registry.includes('/') ? undefined : registry;
};

/** Adds port 443 to a bare host name: without a dot or port, the engine reads it as a path on Docker Hub. */
const prefixOf = ({ host, hostname, pathname }: URL): string => {
  const isName = /[.:]/.test(host) || hostname === 'localhost';
  return `${host}${isName ? '' : ':443'}${pathname.replace(/\/+$/, '')}`;
};

const problemOf = (registry: string, url: URL): string | undefined => {
  if (url.username !== '' || url.password !== '')
    return (
      `has a user name or password in the address for ${registry}: ` +
      `put it into DOCKER_CONFIG/config.json, under ${url.host}`
    );
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `has the scheme "${url.protocol}" for ${registry}: mirrors need https:`;
  if (url.protocol === 'http:' && !isPlainHost(url.hostname))
    return `has a mirror with plain http: for ${registry}: the engine uses plain http: only for 127.0.0.0/8`;
  if (url.search !== '' || url.hash !== '') return `has a "?" or "#" in the address for ${registry}`;
  const prefix = prefixOf(url);
  if (!tryParseImage(`${prefix}/x`))
    return `has an address for ${registry} with which no image name can begin`;
  return prefix === registry ? `names ${registry} as its own mirror` : undefined;
};

const problem = (message: string): ParsedMirrors => ({ kind: 'problem', message });

/**
 * Parses `REGISTRY=URL` items, separated by commas, semicolons or blanks. The mirrors of one registry keep
 * their order.
 */
export const parseMirrors = (text: string): ParsedMirrors => {
  const mirrors: Mirror[] = [];
  for (const part of text.split(/[\s,;]+/).filter((p) => p !== '')) {
    const equals = part.indexOf('=');
    if (equals < 1) return problem('has a part without "="');
    const name = part.slice(0, equals);
    const registry = registryOf(name);
    if (registry === undefined)
      return problem(`names "${name}", which is not a registry: a registry has a dot or a port`);
    const address = part.slice(equals + 1);
    if (!URL.canParse(address)) return problem(`has no URL for ${registry}`);
    const url = new URL(address);
    const fault = problemOf(registry, url);
    if (fault !== undefined) return problem(fault);
    const prefix = prefixOf(url);
    if (mirrors.some((m) => m.registry === registry && m.prefix === prefix))
      return problem(`names one mirror of ${registry} twice`);
    mirrors.push({ registry, url: `${url.origin}${url.pathname.replace(/\/+$/, '')}`, prefix });
  }
  return { kind: 'mirrors', mirrors };
};

export interface MirroredRepository {
  readonly url: string;
  readonly repository: Repository;
}

/** The mirrors of a repository, in the order in which to try them. */
export const mirrorsOf = (
  mirrors: readonly Mirror[],
  repository: Repository,
): readonly MirroredRepository[] => {
  const slash = repository.indexOf('/');
  return mirrors
    .filter((m) => m.registry === repository.slice(0, slash))
    .flatMap(({ url, prefix }) => {
      // A repository has no mirror if the path becomes too long for a name.
      const image = tryParseImage(`${prefix}${repository.slice(slash)}`);
      return image ? [{ url, repository: image.repository }] : [];
    });
};
