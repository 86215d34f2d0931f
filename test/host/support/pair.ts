import { type Balancer, NOTICE_MS, startBalancer } from '../../support/balancer.ts';
import { patientApp } from '../../support/load-app.ts';
import { eventually } from '../../support/poll.ts';
import { assertCode } from '../../engine/scenarios/scene.ts';
import { ensureBase } from './base.ts';
import { type Office, openOffice } from './office.ts';
import { type HostView, viewOf } from './scene.ts';
import { createStreet } from './street.ts';
import type { Suite } from './suites.ts';
import { startHost } from './systemd-host.ts';

const PORT = 8080;
const HEALTH_PORT = 9000;
export const AGENT_ENV = '/etc/supercargo/agent.env';

/** A host that follows an environment of its own, so that hosts switch one after the other. */
export interface PairHost extends HostView {
  readonly name: string;
  /** `supercargo publish … --wait`; @throws if the host does not run this version in the end. */
  readonly deploy: (version: string) => Promise<void>;
}

/** Two hosts with a stop-first service `web`, behind a load balancer. */
export interface Pair {
  readonly hosts: readonly PairHost[];
  readonly balancer: Balancer;
  /** Pushes a version of `web`. */
  readonly push: (version: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

const composeOf = (office: Office): string => `services:
  web:
    image: ${office.repository()}
    restart: unless-stopped
    ports: ["${String(PORT)}:8888"]
    deploy: { update_config: { monitor: 1s } }
    x-supercargo: { ready: { http: /ready, port: 8888 }, healthy-within: 60s, drain: 2s }
`;

/** Either edge mode on one of the hosts. */
const edgeModeOf = (name: string): string => (name === 'web-1' ? 'host' : 'publish');

const environmentOf = (office: Office, name: string): string =>
  Object.entries({
    SUPERCARGO_ENVIRONMENT: name,
    SUPERCARGO_HOST: name,
    SUPERCARGO_MANIFEST_URL: `${office.hubUrl}/manifests/${name}.json`,
    SUPERCARGO_REPORT_URL: office.hubUrl,
    SUPERCARGO_CA: '/etc/supercargo/ca.crt',
    SUPERCARGO_EDGE_IMAGE: office.edgeImage,
    SUPERCARGO_EDGE_MODE: edgeModeOf(name),
    SUPERCARGO_HEALTH_LISTEN: String(HEALTH_PORT),
    SUPERCARGO_HEALTH_LEAD: `${String(NOTICE_MS)}ms`,
  })
    .map((pair) => `${pair.join('=')}\n`)
    .join('');

const install = async (host: HostView['host'], office: Office, name: string): Promise<void> => {
  await host.shell('apt-get install -y --no-install-recommends /mnt/share/previous.deb');
  await host.write(AGENT_ENV, environmentOf(office, name), '0640', 'root:deploy');
  await host.write('/etc/supercargo/trust.json', office.publisher.trust, '0640', 'root:deploy');
  await host.write('/etc/supercargo/ca.crt', office.authority);
  await host.write('/etc/supercargo/compose.yaml', composeOf(office), '0640', 'root:deploy');
  await host.write('/etc/credstore/supercargo.docker-config', office.dockerConfig, '0600');
  await host.write('/etc/credstore/supercargo.report-token', await office.hub.tokenOf(name, name), '0600');
  await host.write(`/etc/docker/certs.d/${office.registry}/ca.crt`, office.authority);
  await host.shell('systemctl enable --now supercargo');
};

const bothUp = async (balancer: Balancer): Promise<void> => {
  const areUp = async (): Promise<boolean> =>
    Object.values(await balancer.states()).every((state) => state === 'UP');
  await eventually(areUp, {
    describe: async () => `the balancer sends to both hosts: ${JSON.stringify(await balancer.states())}`,
  });
};

export const openPair = async (suite: Suite, share: string): Promise<Pair> => {
  const base = await ensureBase(suite, (line) => console.log(`» ${line}`));
  const street = await createStreet(suite);
  const office = await openOffice(street);
  const push: Pair['push'] = async (version) => office.push(version, patientApp);
  await push('1.0.0');
  const start = async (number: number): Promise<PairHost> => {
    const name = `web-${String(number)}`;
    const host = await startHost({ suite, name, base, street, cable: street.cable(number), share });
    await install(host, office, name);
    const view = viewOf(host, name);
    const publish = async (image: string, ...args: readonly string[]): Promise<void> =>
      assertCode(await office.publishTo(name, `web=${image}`, ...args, '--wait', '--timeout', '80s'), 0);
    // The hub has to know whom a publish waits for.
    await view.until(({ host: reported }) => reported === name);
    await publish(`${office.repository()}:1.0.0`, '--create');
    return { ...view, name, deploy: async (version) => publish(version) };
  };
  const hosts = await Promise.all([start(1), start(2)]);
  const servers = hosts.map(({ name, host: { address } }) => ({
    name,
    address,
    port: PORT,
    healthPort: HEALTH_PORT,
  }));
  const balancer = await startBalancer('web', servers);
  await bothUp(balancer);
  return {
    hosts,
    balancer,
    push,
    close: async () => {
      await balancer.remove();
      for (const { host } of hosts) await host.remove();
      await office.remove();
      await street.remove();
    },
  };
};
