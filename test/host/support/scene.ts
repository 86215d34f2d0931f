import type { Status } from '../../../src/core/status/status-document.ts';
import { type CliResult, cliResult } from '../../support/host.ts';
import { eventually } from '../../support/poll.ts';
import { ensureBase } from './base.ts';
import { ENVIRONMENT, type Office, openOffice } from './office.ts';
import { createStreet } from './street.ts';
import type { Suite } from './suites.ts';
import { startHost, type SystemdHost } from './systemd-host.ts';

export const HOST = 'web-1';

/** What tests ask of a host. */
export interface HostView {
  readonly host: SystemdHost;
  /** `supercargo` on the host, as root. */
  readonly supercargo: (...args: readonly string[]) => Promise<CliResult>;
  readonly status: () => Promise<Status>;
  /** The status, once it is so. */
  readonly until: (isSo: (status: Status) => boolean) => Promise<Status>;
  /** `web 1.0.0 running` for every container of the environment, sorted. */
  readonly containers: () => Promise<readonly string[]>;
  /** Short ids of every container of the environment that runs, the edge's too. */
  readonly containerIds: () => Promise<readonly string[]>;
  /** A property of the unit. */
  readonly unit: (property: string, name?: string) => Promise<string>;
}

/** One host, and what stands outside of it. */
export interface Scene extends HostView {
  readonly office: Office;
  readonly close: () => Promise<void>;
}

const LABEL = 'io.supercargo';
const FORMAT = `{{.Label "${LABEL}.service"}} {{.Label "${LABEL}.version"}} {{.State}}`;

export const viewOf = (host: SystemdHost, environment: string): HostView => {
  const supercargo: HostView['supercargo'] = async (...args) =>
    cliResult(await host.run(['supercargo', ...args]));
  const status: HostView['status'] = async () => (await supercargo('status', '--json')).json() as Status;
  const filter = `--filter label=${LABEL}.environment=${environment}`;
  return {
    host,
    supercargo,
    status,
    until: async (isSo) =>
      eventually(
        async () => {
          const now = await status();
          return isSo(now) && now;
        },
        {
          describe: async () =>
            `${(await supercargo('status')).stdout}\n${await host.shell('journalctl -u supercargo -n 30 -o cat')}`,
        },
      ),
    containers: async () => {
      // Not the edge, which has no service.
      const ps = `docker ps --all ${filter} --filter label=${LABEL}.service --format '${FORMAT}'`;
      return (await host.shell(ps)).split('\n').toSorted();
    },
    containerIds: async () => (await host.shell(`docker ps --quiet ${filter}`)).split('\n').toSorted(),
    unit: async (property, name = 'supercargo') =>
      host.shell(`systemctl show --property=${property} --value ${name}`),
  };
};

/** `share` has the packages. */
export const openScene = async (suite: Suite, share: string): Promise<Scene> => {
  const base = await ensureBase(suite, (line) => console.log(`» ${line}`));
  const street = await createStreet(suite);
  const office = await openOffice(street);
  const host = await startHost({ suite, name: HOST, base, street, cable: street.cable(1), share });
  return {
    ...viewOf(host, ENVIRONMENT),
    office,
    close: async () => {
      await host.remove();
      await office.remove();
      await street.remove();
    },
  };
};
