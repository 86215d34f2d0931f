import type { Command } from 'commander';
import { readPublisherConfig } from '../../config/publisher-config.ts';
import { AgentError } from '../../core/errors.ts';
import { reportPath } from '../../core/fleet/store-layout.ts';
import { isReportingHost } from '../../core/hub/file-names.ts';
import { quote } from '../../core/manifest/text.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import { createEnvironmentStore } from '../../publish/environment-store.ts';
import type { Call } from '../call.ts';
import { openStore } from '../publishing/open-store.ts';
import { checkEnvironment, type StoreFlags } from '../publishing/options.ts';

const SHOWN_HOSTS = 10;

/** `_own` is empty: commander gives the options to `fleet`, which has them too. */
export const run = async (
  { io, signal }: Call,
  name: string,
  host: string,
  _own: unknown,
  command: Command,
): Promise<ExitCode> => {
  const environment = checkEnvironment(name);
  if (!isReportingHost(host))
    throw new AgentError('USAGE', `${quote(host)} is not a valid host name`, {
      advice: 'write it as `supercargo fleet` shows it',
    });
  const flags = command.optsWithGlobals<StoreFlags>();
  const { documents: store } = await openStore(flags, readPublisherConfig(io.env));
  if (await store.remove(reportPath(environment, host), signal)) {
    io.stdout.write(`${host} is forgotten in ${environment}; it is there again if it still reports\n`);
    return EXIT.ok;
  }
  const { fleet } = createEnvironmentStore(store, environment, undefined);
  const { hosts, totals } = await fleet({ target: undefined, limit: SHOWN_HOSTS }, signal);
  const shown = hosts.slice(0, SHOWN_HOSTS).map((found) => found.host);
  const more = totals.hosts > shown.length ? ', …' : '';
  throw new AgentError('STORE', `${store.name} has no report of ${host} in ${environment}`, {
    advice:
      shown.length === 0
        ? 'no host has reported there: check the name of the environment, and --to'
        : `check the name; hosts there: ${shown.join(', ')}${more}`,
  });
};
