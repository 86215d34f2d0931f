import { addressesOverlap, type WrittenPort } from './ports.ts';
import type { Service } from './project-model.ts';
import { isLiteral, nodeAt, quoted, report, type Context } from './reader-context.ts';
import type { Services, WrittenService } from './service.ts';

const hasFixedAddress = ({ container }: Service): boolean =>
  container.networkMode.kind === 'networks' &&
  container.networkMode.attachments.some(
    (a) => (a.ipv4 ?? a.ipv6 ?? a.macAddress ?? a.linkLocalIps) !== undefined,
  );

/** Reports what several containers at a time cannot share. */
export const singletonChecks = ({ service, ports, node }: WrittenService, c: Context): void => {
  const { order } = service.update;
  const several = service.replicas > 1;
  if (service.containerName !== undefined && (several || order === 'start-first')) {
    report(
      c,
      nodeAt(node, 'container_name'),
      'several containers cannot have the same name',
      'remove it, or use one replica and order: stop-first',
    );
  }
  const fixed = ports.find(({ port }) => port.hostPort !== undefined);
  if (several && order === 'stop-first' && fixed) {
    const count = isLiteral(nodeAt(node, 'deploy')) ? String(service.replicas) : 'several';
    report(
      c,
      fixed.node,
      `${count} replicas cannot share a host port`,
      'use one replica, leave the host port out, or use order: start-first',
    );
  }
  if ((several || order === 'start-first') && hasFixedAddress(service)) {
    const advice = 'remove the fixed addresses, or use one replica and order: stop-first';
    report(c, nodeAt(node, 'networks'), 'several containers cannot have the same address', advice);
  }
};

export const portChecks = (services: Services, c: Context): void => {
  const taken = new Map<string, (WrittenPort & { readonly owner: string })[]>();
  for (const { service, ports } of services.values()) {
    if (service.replicas === 0) continue;
    for (const { port, node } of ports) {
      if (port.hostPort === undefined) continue;
      const key = `${port.hostPort}/${port.protocol}`;
      const others = taken.get(key) ?? [];
      const clash = others.find((other) => addressesOverlap(other.port.hostAddress, port.hostAddress));
      if (clash) {
        const other = `"${clash.owner}" (${clash.node.place.file}:${clash.node.place.line})`;
        const shown = isLiteral(node) ? key : quoted(c, node, key);
        const message = `host port ${shown} of "${service.name}" is also published by ${other}`;
        report(c, node, message, 'publish another host port, or another address');
      }
      taken.set(key, [...others, { port, node, owner: service.name }]);
    }
  }
};

export const nameChecks = (services: Services, c: Context): void => {
  const owners = new Map<string, string>();
  for (const { service, node } of services.values()) {
    if (service.containerName === undefined) continue;
    const owner = owners.get(service.containerName);
    const at = nodeAt(node, 'container_name');
    if (owner !== undefined)
      report(
        c,
        at,
        `${quoted(c, at, service.containerName)} is also the name of "${owner}"`,
        'choose another name',
      );
    owners.set(service.containerName, service.name);
  }
};

/** The engine gives a fixed address to one container only. */
export const addressChecks = (services: Services, c: Context): void => {
  const owners = new Map<string, string>();
  for (const { service, node } of services.values()) {
    const { networkMode } = service.container;
    if (networkMode.kind === 'mode' || service.replicas === 0) continue;
    for (const { network, ipv4, ipv6 } of networkMode.attachments) {
      for (const [key, address] of Object.entries({ ipv4_address: ipv4, ipv6_address: ipv6 })) {
        if (address === undefined) continue;
        const at = nodeAt(node, 'networks', network, key);
        const owner = owners.get(`${network} ${address}`);
        if (owner !== undefined)
          report(
            c,
            at,
            `${quoted(c, at, address)} is also the address of "${owner}"`,
            'write another address',
          );
        owners.set(`${network} ${address}`, service.name);
      }
    }
  }
};
