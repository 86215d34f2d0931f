import { type Balancer, startBalancer } from '../../support/balancer.ts';
import { patientApp } from '../../support/load-app.ts';
import { eventually } from '../../support/poll.ts';
import { ensureBase } from './base.ts';
import { type Office, openOffice } from './office.ts';
import { type HostView, viewOf } from './scene.ts';
import { createStreet } from './street.ts';
import type { Suite } from './suites.ts';
import { startHost } from './systemd-host.ts';

const PORT = 8080;
const HEALTH_PORT = 9000;
export const AGENT_ENV = '/etc/supercargo/agent.env';

export interface HostSetting {
  readonly name: string;
  readonly environment: string;
  readonly edgeMode: 'host' | 'publish';
  /** SUPERCARGO_HEALTH_LEAD: at least what the balancer needs to notice. */
  readonly leadMs: number;
}

export interface BalancedHost extends HostView {
  readonly name: string;
}

/** Hosts with a stop-first service `web`, behind a load balancer that sends to all of them. */
export interface BalancedHosts {
  readonly office: Office;
  readonly hosts: readonly BalancedHost[];
  readonly balancer: Balancer;
  /** Pushes a good version of `web`. */
  readonly push: (version: string) => Promise<void>;
  readonly close: () => Promise<void>;
}

/** The compose file of each host; `setting` is a variable of `web`. */
export const composeOf = (office: Office, setting = 'first'): string => `services:
  web:
    image: ${office.repository()}
    restart: unless-stopped
    environment: { SETTING: ${setting} }
    ports: ["${String(PORT)}:8888"]
    deploy: { update_config: { monitor: 1s } }
    x-supercargo: { ready: { http: /ready, port: 8888 }, healthy-within: 60s, drain: 2s }
`;

const variablesOf = (office: Office, { name, environment, edgeMode, leadMs }: HostSetting): string =>
  Object.entries({
    SUPERCARGO_ENVIRONMENT: environment,
    SUPERCARGO_HOST: name,
    SUPERCARGO_MANIFEST_URL: `${office.hubUrl}/manifests/${environment}.json`,
    SUPERCARGO_REPORT_URL: office.hubUrl,
    SUPERCARGO_CA: '/etc/supercargo/ca.crt',
    SUPERCARGO_EDGE_IMAGE: office.edgeImage,
    SUPERCARGO_EDGE_MODE: edgeMode,
    SUPERCARGO_HEALTH_LISTEN: String(HEALTH_PORT),
    SUPERCARGO_HEALTH_LEAD: `${String(leadMs)}ms`,
  })
    .map((pair) => `${pair.join('=')}\n`)
    .join('');

/** As one run of Chef does. */
export const writeCompose = async ({ host }: HostView, text: string): Promise<void> =>
  host.write('/etc/supercargo/compose.yaml', text, '0640', 'root:deploy');

const install = async (view: HostView, office: Office, setting: HostSetting): Promise<void> => {
  const { host } = view;
  const token = await office.hub.tokenOf(setting.environment, setting.name);
  await host.shell('apt-get install -y --no-install-recommends /mnt/share/previous.deb');
  await host.write(AGENT_ENV, variablesOf(office, setting), '0640', 'root:deploy');
  await host.write('/etc/supercargo/trust.json', office.publisher.trust, '0640', 'root:deploy');
  await host.write('/etc/supercargo/ca.crt', office.authority);
  await writeCompose(view, composeOf(office));
  await host.write('/etc/credstore/supercargo.docker-config', office.dockerConfig, '0600');
  await host.write('/etc/credstore/supercargo.report-token', token, '0600');
  await host.write(`/etc/docker/certs.d/${office.registry}/ca.crt`, office.authority);
  await host.shell('systemctl enable --now supercargo');
  // The hub has to know which hosts a publish waits for.
  await view.until((status) => status.host === setting.name && typeof status.report?.sentAt === 'string');
};

/** Waits until the balancer sends to every host. */
export const allUp = async (balancer: Balancer): Promise<void> => {
  const areUp = async (): Promise<boolean> =>
    Object.values(await balancer.states()).every((state) => state === 'UP');
  await eventually(areUp, {
    describe: async () => `the balancer sends to every host: ${JSON.stringify(await balancer.states())}`,
  });
};

/** `first` publishes version 1.0.0 of `web`, once every host reports. */
export const openBalancedHosts = async (
  suite: Suite,
  share: string,
  settings: readonly HostSetting[],
  first: (office: Office, image: string) => Promise<void>,
): Promise<BalancedHosts> => {
  const base = await ensureBase(suite, (line) => console.log(`» ${line}`));
  const street = await createStreet(suite);
  const office = await openOffice(street);
  const push: BalancedHosts['push'] = async (version) => office.push(version, patientApp);
  await push('1.0.0');
  const start = async (setting: HostSetting, at: number): Promise<BalancedHost> => {
    const { name, environment } = setting;
    const host = await startHost({ suite, name, base, street, cable: street.cable(at + 1), share });
    const view = viewOf(host, environment);
    await install(view, office, setting);
    return { ...view, name };
  };
  const hosts = await Promise.all(settings.map(start));
  await first(office, `${office.repository()}:1.0.0`);
  const servers = hosts.map(({ name, host: { address } }) => ({
    name,
    address,
    port: PORT,
    healthPort: HEALTH_PORT,
  }));
  const balancer = await startBalancer('web', servers);
  await allUp(balancer);
  return {
    office,
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
