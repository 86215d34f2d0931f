import { canonicalSubnet, subnetsOverlap } from '../compose/ip.ts';
import type { ComposeProject, NetworkDefinition } from '../compose/project-model.ts';
import { networkHash } from '../compose/release-spec.ts';
import type { Actual, Network } from '../state/actual.ts';
import { subnetsOf } from '../state/kept-networks.ts';
import type { Hashed } from '../state/release.ts';

/** A network of the engine, ours first, that has a subnet of this definition. No two networks share one. */
export const subnetHolder = ({ networks }: Actual, definition: NetworkDefinition): Network | undefined => {
  const declared = subnetsOf(definition);
  const holders = networks.filter((n) =>
    n.subnets.some((s) => declared.some((d) => subnetsOverlap(canonicalSubnet(s) ?? s, d))),
  );
  return holders.find((n) => n.owner) ?? holders[0];
};

/** The networks with declared subnets that the services of these files use, by logical name. */
export const definedSubnets = (
  project: ComposeProject,
): readonly (readonly [string, Hashed<NetworkDefinition>])[] => {
  const used = new Set(
    Object.values(project.services).flatMap(({ container: { networkMode } }) =>
      networkMode.kind === 'networks' ? networkMode.attachments.map((a) => a.network) : [],
    ),
  );
  return Object.entries(project.networks)
    .filter(([name, definition]) => used.has(name) && subnetsOf(definition).length > 0)
    .map(([name, definition]) => [name, { definition, hash: networkHash(definition) }]);
};
