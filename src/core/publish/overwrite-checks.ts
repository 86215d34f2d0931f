import { AgentError } from '../errors.ts';
import { manifestPath } from '../fleet/store-layout.ts';
import type { FleetTotals } from '../fleet/fleet-totals.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { highestNext } from '../manifest/serial.ts';
import type { Services } from './draft.ts';
import type { PublishedState, Unusable } from './published-state.ts';
import { versionOf } from '../image/image-version.ts';

/** Services with a new version in the publish; the others keep the published one. */
export type Named = readonly string[] | 'all';

export interface Circumstances {
  readonly store: string;
  readonly state: PublishedState;
  /** Read before `state`, so that the store has every manifest that hosts report, unless it was lost. */
  readonly fleet: FleetTotals;
  /** The trust file of the hosts judges manifests, and not only the keys of this publish. */
  readonly isHostsTrust: boolean;
}

const serialOf = ({ manifest }: Unusable): number => manifest?.serial ?? 0;

/** With the trust file of the hosts, all hosts refuse a manifest that no reporting host has accepted. */
const isRefusedByHosts = (found: Unusable, { fleet, isHostsTrust }: Circumstances): boolean =>
  isHostsTrust && fleet.hosts > 0 && (fleet.highestSerial ?? 0) < serialOf(found);

/**
 * The newest manifest that hosts may run although no known key has signed it: of a colleague, of a stolen
 * key, or of hosts that accept unsigned ones. An unsigned one counts only if there is no usable manifest.
 */
export const unverifiedOf = (c: Circumstances): Unusable | undefined => {
  const { newest, unusable } = c.state;
  return unusable.find(
    (found) =>
      found.manifest !== undefined &&
      serialOf(found) > (newest?.manifest.serial ?? 0) &&
      !(found.fault === 'unsigned' && newest) &&
      !isRefusedByHosts(found, c),
  );
};

/**
 * An intact manifest that this version cannot read. To go on from an older one would take back what the newer
 * publisher has added, such as a pace.
 */
export const writtenByNewer = (store: string, { path, message }: Unusable): AgentError =>
  new AgentError('STORE', `${store}/${path} was signed by a newer version of supercargo: ${message}`, {
    advice: 'upgrade this publisher to the version of the others',
  });

/** @throws AgentError STORE */
export const refuseNewer = ({ store, state }: Circumstances): void => {
  const found = state.unusable.find(({ fault }) => fault === 'newer');
  if (found) throw writtenByNewer(store, found);
};

const isSameVersion = (a: Services[string] | undefined, b: Services[string] | undefined): boolean =>
  a?.image.digest === b?.image.digest &&
  a?.image.tag === b?.image.tag &&
  a?.image.repository === b?.image.repository;

const unnamed = (services: readonly string[], named: Named): readonly string[] =>
  named === 'all' ? [] : services.filter((service) => !named.includes(service));

const listed = (services: readonly string[], { services: all }: Manifest): string =>
  services
    .map((service) => {
      const found = all[service];
      return found ? `${service} ${versionOf(found.image)}` : `${service} (removed)`;
    })
    .join(', ');

/**
 * A publish signs the versions that it takes over and drops those that it ignores; it must do neither
 * silently.
 * @throws AgentError KEY
 */
export const refuseUnverified = (c: Circumstances, named: Named): void => {
  const found = unverifiedOf(c);
  if (!found?.manifest) return;
  const { newest } = c.state;
  const [theirs, ours] = [found.manifest.services, newest?.manifest.services ?? {}];
  const services = [...new Set([...Object.keys(theirs), ...Object.keys(ours)])].toSorted();
  const differing = services.filter((service) => !isSameVersion(theirs[service], ours[service]));
  const open = unnamed(differing, named);
  if (open.length === 0) return;
  const trust = c.isHostsTrust
    ? ''
    : 'name the trust file of the hosts with --trust, if that has the key; or ';
  const base = newest
    ? `; or go on from ${String(newest.manifest.serial)} with --base ${String(newest.manifest.serial)}`
    : '';
  throw new AgentError(
    'KEY',
    `${c.store}/${found.path} (serial ${String(found.manifest.serial)}) is not signed by a known key: ` +
      `${found.message}; it has ${listed(open, found.manifest)}`,
    {
      advice:
        `${trust}check these versions and take them over with --adopt-unverified; ` +
        `or name each of these services with repository and version${base}`,
    },
  );
};

/**
 * Refuses to take back versions that hosts have but the store has lost.
 * @throws AgentError STORE
 */
export const refuseLoss = (c: Circumstances, base: Manifest, named: Named): void => {
  const believable = highestNext(base.serial);
  const ahead = c.fleet.serials.filter(({ serial }) => serial > base.serial && serial < believable);
  const carried = unnamed(Object.keys(base.services), named);
  const [first] = ahead;
  if (!first || carried.length === 0) return;
  const count = ahead.reduce((sum, { hosts }) => sum + hosts, 0);
  const hosts = `${first.first}${count > 1 ? ` and ${String(count - 1)} more` : ''}`;
  throw new AgentError(
    'STORE',
    `hosts have serial ${String(first.serial)} (${hosts}), but the newest in ${c.store} is ` +
      `${String(base.serial)}: the store was restored from a backup, or has an old document. ` +
      `A publish from it would take these back: ${listed(carried, base)}`,
    {
      advice:
        'name every service with the version that it has to run, ' +
        `or go on from the old one with --base ${String(base.serial)}`,
    },
  );
};

const placeRemark = ({ store, state }: Circumstances, newest: Manifest): string | undefined => {
  const { place, serialInPlace, unusable } = state;
  const path = manifestPath(newest.environment);
  const goingOn = `going on from serial ${String(newest.serial)} of the history`;
  if (!place) return `${store}/${path} is missing: ${goingOn}`;
  const found = unusable.find((u) => u.path === path);
  if (found) return `${store}/${path} is ignored: ${found.message}; ${goingOn}`;
  if (serialInPlace === undefined || serialInPlace >= newest.serial) return undefined;
  const serial = String(serialInPlace);
  return (
    `${store}/${path} is serial ${serial}, which is older than the newest published one: ` +
    `${goingOn} (--base ${serial} goes on from the old one)`
  );
};

/** Remarks on the store's documents, for people. The next serial is above `highest`. */
export const remarksOn = (c: Circumstances, highest: number): readonly string[] => {
  const newest = c.state.newest?.manifest;
  if (!newest) return [];
  const inPlace = placeRemark(c, newest);
  const others = c.state.unusable
    .filter(({ path }) => path !== manifestPath(newest.environment))
    .map(({ path, message }) => `${c.store}/${path} is ignored: ${message}`);
  const remarks = [...(inPlace === undefined ? [] : [inPlace]), ...others];
  if (remarks.length > 0 || highest <= newest.serial) return remarks;
  return [
    `this goes on from serial ${String(newest.serial)}, but serial ${String(highest)} was published ` +
      'before: the store has lost what came between; check the versions',
  ];
};
