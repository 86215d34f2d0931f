import type { Exposure } from '../state/release.ts';
import { hint, isLiteral, nodeAt, report, type Context } from './reader-context.ts';
import type { Service } from './project-model.ts';
import type { WrittenService } from './service.ts';

/**
 * How start-first switches the traffic: at the edge if the service has TCP ports, else by its alias on its
 * networks. Undefined for stop-first, where the engine publishes the ports.
 */
export const exposureOf = ({ update, container }: Service): Exposure | undefined => {
  if (update.order !== 'start-first') return undefined;
  return container.ports.some((p) => p.protocol === 'tcp') ? 'edge' : 'alias';
};

/** Ports that usually speak HTTP, for which a hint is useful. */
const USUAL_HTTP = new Set([80, 3000, 5000, 8000, 8008, 8080, 8081, 8888, 9000]);

/**
 * The old and the new container run side by side, so settings that only one container can have are refused.
 */
export const startFirstChecks = (written: WrittenService, c: Context): void => {
  const { service, ports, node } = written;
  if (service.update.order !== 'start-first') return;
  const anonymous = service.container.mounts.find((mount) => mount.kind === 'anonymous');
  if (anonymous) {
    const target = isLiteral(nodeAt(node, 'volumes')) ? ` ${anonymous.target}` : '';
    const message = `the anonymous volume${target} cannot be in two containers`;
    report(c, nodeAt(node, 'volumes'), message, 'give it a name at the top level, or use order: stop-first');
  }
  const udp = ports.find(({ port }) => port.protocol !== 'tcp');
  if (udp) report(c, udp.node, 'start-first cannot hand over a UDP or SCTP port', 'use order: stop-first');
  const floating = ports.find(({ port }) => port.protocol === 'tcp' && port.hostPort === undefined);
  if (floating)
    report(
      c,
      floating.node,
      `start-first needs to know the host port of ${portText(floating)}`,
      `name it (for example "8080:${portText(floating)}"), or use order: stop-first`,
    );
  modeChecks(written, c);
  protocolHints(written, c);
};

const portText = ({ port, node }: WrittenService['ports'][number]): string =>
  isLiteral(node) ? String(port.containerPort) : 'PORT';

const modeChecks = ({ service, node }: WrittenService, c: Context): void => {
  const mode = service.container.networkMode;
  if (mode.kind !== 'mode' || (mode.mode === 'none' && exposureOf(service) === 'alias')) return;
  const at = nodeAt(node, 'network_mode');
  report(
    c,
    at,
    `start-first cannot switch a service with network_mode ${isLiteral(at) ? mode.mode : 'set'}`,
    'use networks: instead, or order: stop-first',
  );
};

/**
 * Plain TCP works for every protocol, but kept-alive connections stay on the old container until its drain
 * ends.
 */
const protocolHints = ({ ports }: WrittenService, c: Context): void => {
  for (const { port, node } of ports) {
    const { appProtocol, containerPort, hostPort } = port;
    const isShown = isLiteral(node);
    const number = isShown ? String(containerPort) : 'PORT';
    const published = isShown ? String(hostPort ?? '') : 'PORT';
    const address = port.hostAddress === '' || !isShown ? '' : `, host_ip: "${port.hostAddress}"`;
    const isUsual = USUAL_HTTP.has(containerPort) || USUAL_HTTP.has(hostPort ?? 0);
    if (appProtocol === undefined && isUsual)
      hint(
        c,
        node,
        `port ${number} is switched as plain TCP: ` +
          'kept-alive connections stay on the old container until its drain ends. If it speaks HTTP/1, ' +
          `write {target: ${number}, published: ${published}${address}, app_protocol: http}`,
      );
    else if (appProtocol !== undefined && appProtocol !== 'http' && appProtocol !== 'tcp')
      hint(
        c,
        node,
        `app_protocol ${isShown ? appProtocol : 'as set'} is switched as plain TCP: ` +
          'only http is switched between requests',
      );
  }
};
