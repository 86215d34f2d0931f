import type { WrittenLink } from './dependencies.ts';
import { isLiteral, quoted, report, spend, type Context } from './reader-context.ts';
import { unknownService } from './unknown-service.ts';
import type { Attachment, Service } from './project-model.ts';
import type { Services, WrittenService } from './service.ts';

/**
 * The cost of each service and each link that a link is compared with, charged to the project's allowance.
 */
const LINK_COST = 8;

const attachmentsOf = ({ container: { networkMode } }: Service): readonly Attachment[] =>
  networkMode.kind === 'networks' ? networkMode.attachments : [];

const sharedNetworks = (a: Service, b: Service): readonly string[] => {
  const names = new Set(attachmentsOf(b).map(({ network }) => network));
  return attachmentsOf(a).flatMap(({ network }) => (names.has(network) ? [network] : []));
};

/** What one link asks for: the target has the alias on these networks. */
interface Alias {
  readonly target: string;
  readonly alias: string;
  readonly networks: readonly string[];
}

/** The service that already has this name on one of the networks. */
const holderOf = ({ target, alias, networks }: Alias, services: Services): string | undefined =>
  [...services.values()].find(
    ({ service }) =>
      service.name !== target &&
      attachmentsOf(service).some(
        (a) => networks.includes(a.network) && (service.name === alias || a.aliases.includes(alias)),
      ),
  )?.service.name;

const aliasOf = (
  from: Service,
  { service: target, alias = target, node }: WrittenLink,
  services: Services,
  c: Context,
): Alias | undefined => {
  const linked = services.get(target)?.service;
  if (!c.defined.services.has(target)) {
    const advice = unknownService(target, from.name, services, c);
    return report(c, node, `links to unknown service ${quoted(c, node, target)}`, advice);
  }
  if (linked === undefined) return undefined;
  const networks = sharedNetworks(from, linked);
  if (networks.length === 0)
    return report(
      c,
      node,
      `shares no network with ${quoted(c, node, target)}`,
      'put both services on one network',
    );
  const found = { target, alias, networks };
  const holder = alias === target ? undefined : holderOf(found, services);
  if (holder === undefined) return found;
  const shown = isLiteral(node) ? `"${alias}"` : 'this alias';
  return report(c, node, `${shown} is already a name of "${holder}" there`, 'choose another alias');
};

const withAlias = (written: WrittenService, { alias, networks }: Alias): WrittenService => {
  const { service } = written;
  const { container } = service;
  if (container.networkMode.kind !== 'networks' || alias === service.name) return written;
  const attachments = container.networkMode.attachments.map((a) =>
    networks.includes(a.network) ? { ...a, aliases: [...new Set([...a.aliases, alias])].toSorted() } : a,
  );
  const networkMode = { ...container.networkMode, attachments };
  return { ...written, service: { ...service, container: { ...container, networkMode } } };
};

const withDependency = (written: WrittenService, on: string): WrittenService => {
  const { service } = written;
  if (service.dependsOn.some((d) => d.service === on)) return written;
  const all = [...service.dependsOn, { service: on, condition: 'started' as const }];
  const dependsOn = all.toSorted((a, b) => (a.service < b.service ? -1 : 1));
  return { ...written, service: { ...service, dependsOn } };
};

/**
 * Turns `links` into what they mean on a network: the linked service starts first, and has the alias on the
 * networks that both share.
 */
export const linkServices = (services: Services, c: Context): Services => {
  const linked = new Map(services);
  for (const { service, links: own } of services.values()) {
    for (const one of own) {
      if (!spend(c, one.node, LINK_COST * (services.size + own.length))) return linked;
      const alias = aliasOf(service, one, linked, c);
      const [from, target] = [linked.get(service.name), linked.get(one.service)];
      if (alias === undefined || from === undefined || target === undefined) continue;
      linked.set(service.name, withDependency(from, one.service));
      linked.set(one.service, withAlias(linked.get(one.service) ?? target, alias));
    }
  }
  return linked;
};
