import { mirrorsOf } from '../image/mirror.ts';
import { parseImage, tryParseImage, type ImageId, type Repository } from '../image/reference.ts';
import { isPreflightName, keepEdgeTag, keepRepository, keepTag } from '../docker-names.ts';
import type { Image } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import type { Action } from './action.ts';
import { definedSubnets } from './networks.ts';
import { edgeImage } from './edge/edge-image.ts';
import { edgeNetwork } from './edge/edge-view.ts';
import type { PlanInput } from './plan-input.ts';
import { releaseImage } from './local-image.ts';
import { liveNetwork } from './networks.ts';

/** Removes networks and images that nothing needs any more; tags keep the images that a rollback needs. */
export const housekeeping = (input: PlanInput): readonly Action[] => [
  ...leftPreflights(input),
  ...staleNetworks(input),
  ...keepTags(input),
  ...staleImages(input),
];

/** Left by an agent that died in a preflight. It never ran: what runs with its labels is not ours. */
const leftPreflights = ({ environment, actual }: PlanInput): readonly Action[] =>
  actual.containers
    .filter(
      (container) =>
        container.isPreflight &&
        container.state === 'created' &&
        isPreflightName(environment, container.name),
    )
    .map(({ id, name }) => ({ kind: 'remove', container: { id, name } }));

const releasesInUse = (input: PlanInput): readonly Release[] => {
  const desired = Object.values(input.desired).flatMap((d) => (d.kind === 'release' ? [d.release] : []));
  const good = Object.entries(input.ledger.services)
    .filter(([name]) => input.project.services[name])
    .flatMap(([, record]) => record.good.slice(0, 1).map((g) => g.release));
  return [...desired, ...good];
};

const staleNetworks = (input: PlanInput): readonly Action[] => {
  const needed = new Set(
    releasesInUse(input).flatMap((r) => [
      ...Object.entries(r.spec.networks).map(([logical, hashed]) => liveNetwork(input, logical, hashed)?.id),
      ...(r.spec.exposure === 'edge' ? [edgeNetwork(input.actual)?.id] : []),
    ]),
  );
  if (input.edge.health) needed.add(edgeNetwork(input.actual)?.id);
  for (const [logical, hashed] of definedSubnets(input.project))
    needed.add(liveNetwork(input, logical, hashed)?.id);
  const attached = new Set(
    input.actual.containers.flatMap((container) => container.detail?.networks.map((n) => n.network) ?? []),
  );
  return input.actual.networks
    .filter((n) => n.owner && !needed.has(n.id) && !attached.has(n.name))
    .map((n) => ({ kind: 'remove-network', id: n.id, name: n.name }));
};

const normalised = (environment: string): Repository => parseImage(keepRepository(environment)).repository;

/** Our own tag on each good release's image keeps it from pruning and from other environments. */
const keepTags = (input: PlanInput): readonly Action[] => {
  const repository = normalised(input.environment);
  const needed = [
    ...new Map([...goodImages(input), ...desiredImages(input)].map((k) => [k.tag, k])).values(),
  ];
  const missing = needed.flatMap(({ imageId, tag }): Action[] => {
    const image = input.actual.images.find((i) => i.id === imageId);
    if (!image || hasTag(image, repository, tag)) return [];
    return [{ kind: 'tag-image', imageId, repository: keepRepository(input.environment), tag }];
  });
  const kept = new Set([...needed.map((w) => w.tag), ...runningTags(input), ...edgeTag(input)]);
  const isRemovable = removableBy(input);
  const surplus = input.actual.images.flatMap((image): Action[] => {
    const own = image.tags.filter((t) => t.repository === repository);
    const references = own
      .filter((t) => !kept.has(t.tag))
      .map((t) => `${keepRepository(input.environment)}:${t.tag}`);
    // Without any tag of ours a later pass could not tell that the image may be removed.
    const isLast = references.length === own.length && isRemovable(image);
    return references.length > 0 && !isLast ? [{ kind: 'remove-image', imageId: image.id, references }] : [];
  });
  return [...missing, ...surplus];
};

/** Right after `recover` neither ledger nor manifest names what runs. */
const runningTags = (input: PlanInput): readonly string[] =>
  input.actual.containers.flatMap((container) =>
    container.owner ? [keepTag(container.owner.service, container.owner.release)] : [],
  );

const edgeTag = ({ edge: { image } }: PlanInput): readonly string[] =>
  image.digest === undefined ? [] : [keepEdgeTag(image.digest)];

interface KeptImage {
  readonly imageId: ImageId;
  readonly tag: string;
}

const goodImages = (input: PlanInput): readonly KeptImage[] =>
  Object.entries(input.ledger.services).flatMap(([service, record]) =>
    record.good.map((g) => ({ imageId: g.imageId, tag: keepTag(service, g.release.id) })),
  );

/** Images may be fetched long before their switch. */
const desiredImages = (input: PlanInput): readonly KeptImage[] =>
  releasesInUse(input).flatMap((release) => {
    const image = releaseImage(input, release);
    return image ? [{ imageId: image.id, tag: keepTag(release.service, release.id) }] : [];
  });

const hasTag = (image: Image, repository: Repository, tag: string): boolean =>
  image.tags.some((t) => t.repository === repository && t.tag === tag);

/** Images of ours that no container or rollback needs. */
const staleImages = (input: PlanInput): readonly Action[] => {
  const isRemovable = removableBy(input);
  const used = new Set<string>(input.actual.containers.map((container) => container.imageId));
  const kept = [...goodImages(input), ...desiredImages(input)].map((i) => i.imageId);
  const reserved = new Set<string | undefined>([...kept, edgeImage(input)?.id]);
  return input.actual.images
    .filter((image) => isRemovable(image) && !used.has(image.id) && !reserved.has(image.id))
    .map((image) => ({ kind: 'remove-image', imageId: image.id, references: referencesOf(image) }));
};

/**
 * An image may be removed if a release of ours had it, which our tag shows, and if all its names are in
 * repositories that we run. Images that were on the host before may be the only way back from an adoption.
 */
const removableBy = (input: PlanInput): ((image: Image) => boolean) => {
  const loaded = new Set<Repository>(loadedByHand(input));
  const run = repositoriesOf(input).filter((r) => !loaded.has(r));
  const own = normalised(input.environment);
  const mirrored = new Set(run.flatMap((r) => mirrorsOf(input.mirrors, r).map((m) => m.repository)));
  const ours = new Set<Repository>([own, ...run, ...mirrored]);
  return ({ tags, digests }) => {
    const names = [...tags, ...digests].map((n) => n.repository);
    // An image that an interrupted pull left has a mirror's name only.
    const isLeft = names.length > 0 && tags.length === 0 && names.every((n) => mirrored.has(n));
    return isLeft || (tags.some((t) => t.repository === own) && names.every((n) => ours.has(n)));
  };
};

const repositoriesOf = (input: PlanInput): readonly Repository[] => [
  ...Object.values(input.project.services).flatMap((s) => tryParseImage(s.image)?.repository ?? []),
  ...Object.values(input.ledger.services).flatMap((r) =>
    r.good.map((g) => g.release.image.reference.repository),
  ),
];

/** Images with `pull_policy: never` were loaded by hand, and cannot be fetched again. */
const loadedByHand = (input: PlanInput): readonly Repository[] =>
  Object.values(input.project.services).flatMap((s) =>
    s.pullPolicy === 'never' ? (tryParseImage(s.image)?.repository ?? []) : [],
  );

const referencesOf = (image: Image): readonly string[] => {
  const tags = image.tags.map((t) => `${t.repository}:${t.tag}`);
  return tags.length > 0 ? tags : image.digests.map((d) => `${d.repository}@${d.digest}`);
};
