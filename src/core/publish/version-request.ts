import { AgentError } from '../errors.ts';
import { isDigest, isTag, tryParseImage, type Digest, type ImageReference } from '../image/reference.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { quote } from '../manifest/text.ts';
import { NAME } from '../docker-names.ts';

/** A requested version, such as `web=1.2.3`. */
export interface VersionRequest {
  readonly service: string;
  readonly wanted:
    | { readonly kind: 'tag'; readonly tag: string }
    | { readonly kind: 'digest'; readonly digest: Digest }
    /** The repository may be new. */
    | { readonly kind: 'image'; readonly image: ImageReference };
}

const FORM =
  'write SERVICE=TAG, SERVICE=sha256:… or SERVICE=REPOSITORY:TAG, ' +
  'for example web=1.2.3 or web=registry.example.com/org/web:1.2.3';

const usage = (message: string, advice = FORM): AgentError => new AgentError('USAGE', message, { advice });

const parseWanted = (text: string, argument: string): VersionRequest['wanted'] => {
  if (isDigest(text)) return { kind: 'digest', digest: text };
  if (isTag(text)) return { kind: 'tag', tag: text };
  const image = tryParseImage(text);
  if (!image) throw usage(`${quote(argument)} names no version`);
  if (image.tag === undefined && image.digest === undefined)
    throw usage(`${quote(argument)} does not say which version`, `add a tag or a digest: ${argument}:1.2.3`);
  return { kind: 'image', image };
};

/** @throws AgentError USAGE */
export const parseVersionRequests = (texts: readonly string[]): readonly VersionRequest[] => {
  const requests = texts.map((argument): VersionRequest => {
    const equals = argument.indexOf('=');
    const service = argument.slice(0, Math.max(0, equals));
    if (!NAME.test(service)) throw usage(`${quote(argument)} is no SERVICE=VERSION`);
    return { service, wanted: parseWanted(argument.slice(equals + 1), argument) };
  });
  const names = requests.map((r) => r.service);
  const twice = names.find((name, index) => names.indexOf(name) !== index);
  if (twice !== undefined) throw usage(`${twice} is named twice`, 'name each service once');
  return requests;
};

/**
 * The image to look up. A bare tag or digest keeps the repository of the manifest before.
 * @throws AgentError USAGE if there is none
 */
export const imageFor = (
  { service, wanted }: VersionRequest,
  before: Manifest | undefined,
): ImageReference => {
  if (wanted.kind === 'image') return wanted.image;
  const known = before?.services[service];
  if (!known) {
    const published = Object.keys(before?.services ?? {});
    const names = published.length === 0 ? '' : ` (published so far: ${published.join(', ')})`;
    const version = wanted.kind === 'tag' ? `:${wanted.tag}` : `@${wanted.digest}`;
    throw usage(
      `${service} was never published in this environment${names}`,
      'name its repository the first time: ' +
        `${service}=registry.example.com/org/${service.toLowerCase()}${version}`,
    );
  }
  const { repository } = known.image;
  return wanted.kind === 'tag'
    ? { repository, tag: wanted.tag, digest: undefined }
    : { repository, tag: undefined, digest: wanted.digest };
};
