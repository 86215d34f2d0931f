import { tryParseImage, type Repository } from './reference.ts';

/**
 * Another server that has the images of a registry. It is asked by digest alone: what a tag means is the
 * registry's own word.
 */
export interface Mirror {
  /** Whose images, as the first part of a normalised repository: `docker.io`, `registry.example.com:5000`. */
  readonly registry: string;
  /** For people: `https://mirror.example.com/dockerhub`. */
  readonly url: string;
  /** What stands instead of the registry in the engine's names: `mirror.example.com/dockerhub`. */
  readonly prefix: string;
}

export type ParsedMirrors =
  | { readonly kind: 'mirrors'; readonly mirrors: readonly Mirror[] }
  /** Completes "SUPERCARGO_REGISTRY_MIRRORS …". The text itself is left out: it may hold a password. */
  | { readonly kind: 'problem'; readonly message: string };

/** The engine speaks plain HTTP to these (127.0.0.0/8), and to no other server that it was not told of. */
const isPlainHost = (hostname: string): boolean =>
  hostname === 'localhost' || /^127(?:\.\d{1,3}){3}$/.test(hostname);

const registryOf = (name: string): string | undefined => {
  const image = tryParseImage(`${name}/x/x`);
  const registry = image?.repository.slice(0, -'/x/x'.length);
  // A name that the engine would not take for a registry's is the first part of a path on Docker Hub.
  return registry === undefined || registry.includes('/') ? undefined : registry;
};

/** Without a dot or a port the engine would take the host for a path on Docker Hub. */
const prefixOf = ({ host, hostname, pathname }: URL): string => {
  const isName = /[.:]/.test(host) || hostname === 'localhost';
  return `${host}${isName ? '' : ':443'}${pathname.replace(/\/+$/, '')}`;
};

const problemOf = (registry: string, url: URL): string | undefined => {
  if (url.username !== '' || url.password !== '')
    return `has a user name or password in the address for ${registry}: put it into DOCKER_CONFIG/config.json, under ${url.host}`;
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return `has the scheme "${url.protocol}" for ${registry}: mirrors are asked by https:`;
  if (url.protocol === 'http:' && !isPlainHost(url.hostname))
    return `has a mirror of plain http: for ${registry}: the engine speaks that only to 127.0.0.0/8`;
  if (url.search !== '' || url.hash !== '') return `has a "?" or "#" in the address for ${registry}`;
  const prefix = prefixOf(url);
  if (!tryParseImage(`${prefix}/x`))
    return `has an address for ${registry} that no image's name can begin with`;
  return prefix === registry ? `names ${registry} as its own mirror` : undefined;
};

const problem = (message: string): ParsedMirrors => ({ kind: 'problem', message });

/**
 * `REGISTRY=URL`, several separated by commas, semicolons or blanks; those of one registry are tried in this
 * order.
 */
export const parseMirrors = (text: string): ParsedMirrors => {
  const mirrors: Mirror[] = [];
  for (const part of text.split(/[\s,;]+/).filter((p) => p !== '')) {
    const equals = part.indexOf('=');
    if (equals < 1) return problem('has a part without "="');
    const name = part.slice(0, equals);
    const registry = registryOf(name);
    if (registry === undefined)
      return problem(`names "${name}", which is no registry: one has a dot or a port`);
    const address = part.slice(equals + 1);
    if (!URL.canParse(address)) return problem(`has no URL for ${registry}`);
    const url = new URL(address);
    const wrong = problemOf(registry, url);
    if (wrong !== undefined) return problem(wrong);
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

/** Where a repository is mirrored, in the order to try. */
export const mirrorsOf = (
  mirrors: readonly Mirror[],
  repository: Repository,
): readonly MirroredRepository[] => {
  const slash = repository.indexOf('/');
  return mirrors
    .filter((m) => m.registry === repository.slice(0, slash))
    .flatMap(({ url, prefix }) => {
      // A path can become too long for a name; such a repository has no mirror.
      const image = tryParseImage(`${prefix}${repository.slice(slash)}`);
      return image ? [{ url, repository: image.repository }] : [];
    });
};
