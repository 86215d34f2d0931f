import { NOTICE_MS } from '../../support/balancer.ts';
import { assertCode } from '../../engine/scenarios/scene.ts';
import { type BalancedHost, type BalancedHosts, openBalancedHosts } from './hosts-behind-balancer.ts';
import type { Office } from './office.ts';
import type { Suite } from './suites.ts';

/** A host that follows an environment of its own, so that hosts switch one after the other. */
export interface PairHost extends BalancedHost {
  /** `supercargo publish … --wait`; @throws if the host does not run this version in the end. */
  readonly deploy: (version: string) => Promise<void>;
}

/** Two hosts with a stop-first service `web`, behind a load balancer. */
export interface Pair extends Omit<BalancedHosts, 'hosts'> {
  readonly hosts: readonly PairHost[];
}

/** Either edge mode on one of the hosts. */
const SETTINGS = [
  { name: 'web-1', environment: 'web-1', edgeMode: 'host', leadMs: NOTICE_MS },
  { name: 'web-2', environment: 'web-2', edgeMode: 'publish', leadMs: NOTICE_MS },
] as const;

const publish = async (office: Office, name: string, image: string, ...args: readonly string[]) =>
  assertCode(await office.publishTo(name, `web=${image}`, ...args, '--wait', '--timeout', '80s'), 0);

export const openPair = async (suite: Suite, share: string): Promise<Pair> => {
  const { hosts, ...rest } = await openBalancedHosts(suite, share, SETTINGS, async (office, image) => {
    await Promise.all(SETTINGS.map(async ({ name }) => publish(office, name, image, '--create')));
  });
  const { office } = rest;
  const deploy = async (name: string, version: string): Promise<void> =>
    publish(office, name, `${office.repository()}:${version}`);
  return {
    ...rest,
    hosts: hosts.map((host) => ({ ...host, deploy: async (version) => deploy(host.name, version) })),
  };
};
