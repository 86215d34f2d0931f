import type { Exposure } from '../state/release.ts';
import { hint, isLiteral, nodeAt, report, type Context } from './reader-context.ts';
import type { Service } from './project-model.ts';
import type { WrittenService } from './service.ts';

/**
 * How a service is switched. With TCP ports through the edge, without any by its name on its networks;
 * `stop-first` is published by the engine itself and has none.
 */
export const exposureOf = ({ update, container }: Service): Exposure | undefined => {
  if (update.order !== 'start-first') return undefined;
  return container.ports.some((p) => p.protocol === 'tcp') ? 'edge' : 'alias';
};

/** Ports that mostly speak HTTP: worth a question. */
const USUAL_HTTP = new Set([80, 3000, 5000, 8000, 8008, 8080, 8081, 8888, 9000]);

/** Old and new run side by side: what only one of them can have is refused. */
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
  report(
    c,
    nodeAt(node, 'network_mode'),
    `start-first cannot switch a service with network_mode${isLiteral(nodeAt(node, 'network_mode')) ? ` ${mode.mode}` : ' set'}`,
    'use networks: instead, or order: stop-first',
  );
};

/**
 * Plain TCP is right for everything; only that a kept-alive connection stays where it is until the drain
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
        `port ${number} is switched as plain TCP: kept-alive connections stay on the old container until its drain ends. If it speaks HTTP/1, write {target: ${number}, published: ${published}${address}, app_protocol: http}`,
      );
    else if (appProtocol !== undefined && appProtocol !== 'http' && appProtocol !== 'tcp')
      hint(
        c,
        node,
        `app_protocol ${isLiteral(node) ? appProtocol : 'as set'} is switched as plain TCP: only http is switched between requests`,
      );
  }
};
