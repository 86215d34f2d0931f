import { AgentError } from '../errors.ts';
import { splitReference } from './image-version.ts';

declare const brand: unique symbol;
/** `sha256:` and 64 hex digits: the registry's digest of a manifest or an index. */
export type Digest = string & { readonly [brand]: 'Digest' };
/**
 * `sha256:` and 64 hex digits: the engine's id of an image. This is the digest of the config, or of the
 * manifest with the containerd store.
 */
export type ImageId = string & { readonly [brand]: 'ImageId' };
/** The full name: `docker.io/library/nginx`, `registry.example.com:5000/org/web`. */
export type Repository = string & { readonly [brand]: 'Repository' };

/** A parsed image reference. A bare repository has neither tag nor digest. */
export interface ImageReference {
  readonly repository: Repository;
  readonly tag: string | undefined;
  readonly digest: Digest | undefined;
}

const DIGEST = /^sha256:[a-f0-9]{64}$/;
/** The engine reads this, or a bare digest, as an image id (distribution/reference, `ParseAnyReference`). */
const IDENTIFIER = /^[a-f0-9]{64}$/;
/** The longest path without the host (distribution/reference, `RepositoryNameTotalLengthMax`). */
const PATH_LENGTH = 255;
const TAG = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/;
const DOMAIN_PART = '[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?';
const DOMAIN = new RegExp(`^(?:${DOMAIN_PART}(?:\\.${DOMAIN_PART})*|\\[[a-fA-F0-9:]+\\])(?::[0-9]+)?$`);
const PATH = /^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:\/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$/;

export const isDigest = (text: string): text is Digest => DIGEST.test(text);
export const isImageId = (text: string): text is ImageId => DIGEST.test(text);
export const isTag = (text: string): boolean => TAG.test(text);

/** Splits the host from the path like the engine (distribution/reference, `splitDockerDomain`). */
const splitDomain = (name: string): { domain: string; path: string } => {
  const slash = name.indexOf('/');
  const head = slash === -1 ? '' : name.slice(0, slash);
  const isHost = head !== '' && (/[.:]/.test(head) || head === 'localhost' || head.toLowerCase() !== head);
  const domain = isHost ? head : 'docker.io';
  const path = isHost ? name.slice(slash + 1) : name;
  const canonical = domain === 'index.docker.io' ? 'docker.io' : domain;
  return {
    domain: canonical,
    path: canonical === 'docker.io' && !path.includes('/') ? `library/${path}` : path,
  };
};

/** Parses `[HOST[:PORT]/]PATH[:TAG][@sha256:…]`. Returns undefined for any other text. */
export const tryParseImage = (text: string): ImageReference | undefined => {
  if (IDENTIFIER.test(text) || DIGEST.test(text)) return undefined;
  const { name, tag, digest } = splitReference(text);
  if (digest !== undefined && !isDigest(digest)) return undefined;
  if (tag !== undefined && !isTag(tag)) return undefined;
  const { domain, path } = splitDomain(name);
  if (!DOMAIN.test(domain) || !PATH.test(path) || path.length > PATH_LENGTH) return undefined;
  return { repository: `${domain}/${path}` as Repository, tag, digest };
};

/** @throws AgentError USAGE with the text and the expected form */
export const parseImage = (text: string): ImageReference => {
  const image = tryParseImage(text);
  if (image) return image;
  throw new AgentError('USAGE', `"${text}" is not an image reference`, {
    advice:
      'write [HOST[:PORT]/]PATH[:TAG][@sha256:…], in lower case, ' +
      'for example registry.example.com/org/web:1.2.3',
  });
};

/**
 * The short form that people and the engine use: `nginx`, `org/web`, `registry.example.com/org/web`. Returns
 * the full name where the short form would mean another repository: `team.one/web` is not
 * `docker.io/team.one/web`.
 */
export const familiarName = (repository: Repository): string => {
  const short = repository.replace(/^docker\.io\/(?:library\/(?=[^/]+$))?/, '');
  return tryParseImage(short)?.repository === repository ? short : repository;
};

export const formatImage = (image: ImageReference): string =>
  familiarName(image.repository) +
  (image.tag === undefined ? '' : `:${image.tag}`) +
  (image.digest === undefined ? '' : `@${image.digest}`);

/** The registry's key in `auths` of DOCKER_CONFIG: the host, or the historic URL of Docker Hub. */
export const registryKey = (repository: Repository): string => {
  const host = repository.slice(0, repository.indexOf('/'));
  return host === 'docker.io' ? 'https://index.docker.io/v1/' : host;
};
