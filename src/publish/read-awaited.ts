import type { PageHost } from '../core/fleet/fleet-page.ts';
import { messageOf } from '../core/errors.ts';
import { isWell } from '../core/fleet/verdict-text.ts';
import { compareNaturally } from '../core/natural-order.ts';
import type { EnvironmentStore } from './environment-store.ts';
import { eachPage, type FleetSelection } from './fleet-reader.ts';

export type WaitedHost = Pick<PageHost, 'host' | 'verdict'>;

/** All hosts, for a document; or those that need a look, for people. */
export type WhichHosts = 'all' | 'not-well';

interface Awaited extends FleetSelection {
  readonly which: WhichHosts;
  /** All hosts as they were read last, if they are few. */
  readonly known: readonly WaitedHost[] | undefined;
  /** Why the store could not be read. */
  readonly trouble: string | undefined;
}

/** The most hosts that people get to read. */
const MOST = 1_000;

const isFor = (which: WhichHosts, { verdict }: WaitedHost): boolean => which === 'all' || !isWell(verdict);

/** The hosts at the end of a wait, in natural order. */
export const readAwaited = async (
  view: Pick<EnvironmentStore, 'fleet'>,
  { which, known, trouble, ...selection }: Awaited,
  signal: AbortSignal,
): Promise<{ readonly hosts: readonly WaitedHost[]; readonly trouble: string | undefined }> => {
  if (known !== undefined || trouble !== undefined)
    return { hosts: (known ?? []).filter((host) => isFor(which, host)), trouble };
  const hosts: WaitedHost[] = [];
  const order = which === 'all' ? 'name' : 'severity';
  try {
    for await (const page of eachPage(view.fleet, { ...selection, order }, signal)) {
      const found = page.hosts.filter((host) => isFor(which, host));
      hosts.push(...found.map(({ host, verdict }) => ({ host, verdict })));
      // The others are well.
      if (which === 'not-well' && (found.length < page.hosts.length || hosts.length >= MOST)) break;
    }
  } catch (error) {
    signal.throwIfAborted();
    return { hosts: [], trouble: messageOf(error) };
  }
  return { hosts: hosts.toSorted((a, b) => compareNaturally(a.host, b.host)), trouble };
};
