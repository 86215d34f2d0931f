import { isInSubnet, subnetsOverlap } from '../compose/ip.ts';
import type { Attachment, ComposeProject, NetworkDefinition } from '../compose/project-model.ts';
import { networkHash } from '../compose/release-spec.ts';
import { memoize } from '../memoize.ts';
import type { Ledger } from './ledger.ts';
import type { Hashed } from './release.ts';

/** What two networks of one engine cannot both have. */
type Clash = 'a subnet' | 'the bridge name' | 'the parent interface';

const EXCLUSIVE: readonly (readonly [string, Clash])[] = [
  ['com.docker.network.bridge.name', 'the bridge name'],
  ['parent', 'the parent interface'],
];

export const subnetsOf = (definition: NetworkDefinition): readonly string[] =>
  (definition.ipam?.config ?? []).flatMap(({ subnet }) => subnet ?? []);

/** Whether a network holds an attachment's addresses. Without `enable_ipv6` the engine drops IPv6 subnets. */
export const hasAddresses = (definition: NetworkDefinition, { ipv4, ipv6 }: Attachment): boolean => {
  const subnets = subnetsOf(definition).filter((s) => definition.enableIpv6 || !s.includes(':'));
  return [ipv4, ipv6].every((ip) => ip === undefined || subnets.some((subnet) => isInSubnet(ip, subnet)));
};

const clashOf = (a: NetworkDefinition, b: NetworkDefinition): Clash | undefined => {
  if (subnetsOf(a).some((s) => subnetsOf(b).some((t) => subnetsOverlap(s, t)))) return 'a subnet';
  return EXCLUSIVE.find(
    ([option]) =>
      a.driverOptions[option] !== undefined && a.driverOptions[option] === b.driverOptions[option],
  )?.[1];
};

/** Whether an engine can have only one network of this definition. */
export const isExclusive = (definition: NetworkDefinition): boolean =>
  definition.fixedName !== undefined || clashOf(definition, definition) !== undefined;

/** What the compose file says and this host does not do, and why. */
export interface Unmet {
  readonly message: string;
  readonly advice: string;
}

interface Kept {
  readonly definition: NetworkDefinition;
  readonly unmet: Unmet;
}

const unmetBy = (name: string, clash: Clash): Unmet => ({
  message:
    `the network ${name} keeps its old definition: the new one has ${clash} of the old one, ` +
    'and two such networks cannot exist at the same time',
  advice: `choose another one for networks.${name}, or write the old definition again`,
});

const refusedBy = (name: string, old: string, clash: Clash): Unmet => ({
  message:
    `the network ${name} has ${clash} of the network ${old}, which services here still use and which ` +
    'is no longer in the compose files',
  advice: `write the unchanged definition of ${old} below networks.${name}, or choose another one`,
});

export interface EffectiveProject {
  /** The project with the old definitions of its kept networks; the given object if there are none. */
  readonly project: ComposeProject;
  /** By logical name. */
  readonly kept: ReadonlyMap<string, Kept>;
  /** Networks that cannot be created beside one in use under a former key, by logical name. */
  readonly refused: ReadonlyMap<string, Unmet>;
}

/**
 * A network whose new definition cannot stand beside the one in use keeps the old one. Every other changed
 * network is made beside the old one, which goes once nothing needs it. So every service on a kept network
 * stays deployable unless it wants an address that only the new definition has, and its plan says that the
 * file is not in force.
 */
export const effectiveProject = (
  project: ComposeProject,
  { services }: Pick<Ledger, 'services'>,
): EffectiveProject => effectiveFor(services)(project);

const effectiveFor = memoize((services: Ledger['services']) =>
  memoize((project: ComposeProject): EffectiveProject => {
    const kept = new Map<string, Kept>();
    const refused = new Map<string, Unmet>();
    const used = inUse(project, services);
    const former = used.filter(({ network }) => project.networks[network] === undefined);
    for (const [name, definition] of Object.entries(project.networks)) {
      const own = used.filter(({ network }) => network === name);
      if (definition.external || own.some(({ hash }) => hash === networkHash(definition))) continue;
      for (const old of own) {
        const clash = clashOf(old.definition, definition);
        if (clash) kept.set(name, { definition: old.definition, unmet: unmetBy(name, clash) });
      }
      for (const old of former) {
        const clash = old.hash === networkHash(definition) ? undefined : clashOf(old.definition, definition);
        if (clash) refused.set(name, refusedBy(name, old.network, clash));
      }
    }
    if (kept.size === 0) return { project, kept, refused };
    const old = Object.fromEntries([...kept].map(([name, { definition }]) => [name, definition]));
    return { project: { ...project, networks: { ...project.networks, ...old } }, kept, refused };
  }),
);

interface UsedNetwork extends Hashed<NetworkDefinition> {
  readonly network: string;
}

/** The networks with which the present services were good, under the keys that they had then. */
const inUse = (project: ComposeProject, services: Ledger['services']): readonly UsedNetwork[] =>
  Object.keys(project.services).flatMap((service) =>
    Object.entries(services[service]?.good[0]?.release.spec.networks ?? {})
      .filter(([, { definition }]) => !definition.external)
      .map(([network, hashed]) => ({ network, ...hashed })),
  );
