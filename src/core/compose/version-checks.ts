import { familiarName, tryParseImage } from '../image/reference.ts';
import { hint, isLiteral, nodeAt, quoted, report, type Context } from './reader-context.ts';
import type { Services, WrittenService } from './service.ts';
import { unknownService } from './unknown-service.ts';

/**
 * `version-from` must name a service of the same repository, because the manifest's digest belongs to that
 * repository. The named service must have its own version, so there are no chains and no cycles.
 */
export const versionFromChecks = (
  { service, node }: WrittenService,
  services: Services,
  c: Context,
): void => {
  if (service.versionFrom === undefined) return;
  const at = nodeAt(node, 'x-supercargo', 'version-from');
  const source = services.get(service.versionFrom)?.service;
  const own = tryParseImage(service.image);
  const other = source && tryParseImage(source.image);
  if (!c.defined.services.has(service.versionFrom)) {
    report(
      c,
      at,
      `unknown service ${quoted(c, at, service.versionFrom)}`,
      unknownService(service.versionFrom, service.name, services, c),
    );
  } else if (service.versionFrom === service.name || source?.versionFrom !== undefined) {
    report(
      c,
      at,
      `${quoted(c, at, service.versionFrom)} has no version of its own`,
      'name a service without version-from',
    );
  } else if (own && (own.tag !== undefined || own.digest !== undefined)) {
    report(
      c,
      nodeAt(node, 'image'),
      'has a tag or digest beside version-from',
      isLiteral(nodeAt(node, 'image'))
        ? `write image: ${familiarName(own.repository)}`
        : 'write it without tag and digest',
    );
  } else if (own && other && own.repository !== other.repository) {
    const image = isLiteral(nodeAt(node, 'image'))
      ? `image: ${familiarName(other.repository)}`
      : 'the same image';
    const advice = `use ${image}, or publish a version for "${service.name}"`;
    report(
      c,
      nodeAt(node, 'image'),
      `is not the repository of ${quoted(c, at, service.versionFrom)}`,
      advice,
    );
  }
};

/** Versions that are easily meant otherwise. */
export const imageHints = ({ service, node }: WrittenService, c: Context): void => {
  const image = tryParseImage(service.image);
  const at = nodeAt(node, 'image');
  if (image?.tag === 'latest' && image.digest === undefined && service.pullPolicy !== 'always')
    hint(
      c,
      at,
      'the tag latest is looked up once and then stays: ' +
        'write a version, or no tag, and the manifest says which',
    );
  const isOfficial = image?.repository.startsWith('docker.io/library/') === true;
  if (
    isOfficial &&
    image.tag === undefined &&
    image.digest === undefined &&
    service.versionFrom === undefined
  )
    hint(
      c,
      at,
      `has no tag: it waits until the manifest names ${service.name}. Write a tag if this host decides`,
    );
};
