import { formatLabels, type HostLabels } from '../../../core/fleet/host-labels.ts';
import { compareNaturally } from '../../../core/natural-order.ts';
import { getJson, type FleetPage, type HostEntry, type Totals } from './documents.ts';
import type { Filter } from './labels.ts';

export interface ShownFleet {
  /** Of all hosts. */
  readonly all: Totals;
  /** Of those with the labels in the address. */
  readonly selected: Totals;
  /** All selected hosts in natural order; of many the worst ones. */
  readonly hosts: readonly HostEntry[];
}

const NO_TOTALS: Totals = {
  hosts: 0,
  kinds: { converged: 0, pending: 0, failed: 0, superseded: 0, stopped: 0, silent: 0 },
  words: [],
  labels: [],
  moreLabels: 0,
};

export const NO_FLEET: ShownFleet = { all: NO_TOTALS, selected: NO_TOTALS, hosts: [] };

/** So many hosts are shown at first, and more with each click. */
export const STEP = 100;

interface Query {
  readonly limit: number;
  readonly where?: HostLabels | undefined;
  readonly after?: string;
}

const ask = async (environment: string, { limit, where, after }: Query): Promise<FleetPage> => {
  const query = new URLSearchParams({ limit: String(limit), order: 'severity', status: 'whole' });
  if (where !== undefined) query.set('where', formatLabels(where));
  if (after !== undefined) query.set('after', after);
  const page = await getJson<FleetPage>(`/reports/${environment}?${query.toString()}`);
  return page ?? { totals: NO_TOTALS, hosts: [], next: null };
};

/**
 * Reads the worst hosts. An unreadable filter selects none, because all are not what the address asks for.
 */
export const readFleet = async (environment: string, filter: Filter, most: number): Promise<ShownFleet> => {
  if (filter.kind === 'problem') return { ...NO_FLEET, all: (await ask(environment, { limit: 0 })).totals };
  const where = filter.kind === 'labels' ? filter.labels : undefined;
  const first = await ask(environment, { where, limit: STEP });
  const hosts = [...first.hosts];
  // A page of large reports has fewer hosts than it may.
  for (let { next } = first; next !== null && hosts.length < most;) {
    const page = await ask(environment, { where, limit: STEP, after: next });
    hosts.push(...page.hosts);
    ({ next } = page);
  }
  const selected = first.totals;
  const all = where === undefined ? selected : (await ask(environment, { limit: 0 })).totals;
  // A host that got worse meanwhile is on two pages.
  const byHost = new Map(hosts.map((entry) => [entry.host, entry]));
  const shown = [...byHost.values()];
  const isWhole = shown.length >= selected.hosts;
  return {
    all,
    selected,
    hosts: isWhole ? shown.toSorted((a, b) => compareNaturally(a.host, b.host)) : shown,
  };
};
