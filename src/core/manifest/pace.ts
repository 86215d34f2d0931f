import { formatLabels, type HostLabels } from '../fleet/host-labels.ts';

/** A number of hosts, or a share of them in percent (0 to 100). */
export type Amount = { readonly hosts: number } | { readonly percent: number };

/** The hosts with all of these labels, or a share of all hosts. */
export type Wave = { readonly labels: HostLabels } | { readonly percent: number };

/** How fast a fleet may change (docs/DOCUMENTS.md, "The manifest"). */
export interface Pace {
  /** How many hosts may switch one service at the same time; a share is at least one host. */
  readonly maxParallel: Amount;
  /** In the order in which they open; at least one. */
  readonly waves: readonly Wave[];
  /** The time between a good wave and the next one. */
  readonly soakSeconds: number;
  /** How many failed and lost hosts of one entry are tolerated. */
  readonly haltAfter: Amount;
  /** The silence after which a host with a turn counts as lost. */
  readonly turnSeconds: number;
}

export const DEFAULT_PACE: Pace = {
  maxParallel: { hosts: 1 },
  waves: [{ percent: 100 }],
  soakSeconds: 0,
  haltAfter: { hosts: 0 },
  turnSeconds: 900,
};

/** How many of `hosts` an amount is, a share rounded down. A percentage has up to two decimals. */
export const amountOf = (amount: Amount, hosts: number): number =>
  'hosts' in amount ? amount.hosts : Math.floor((Math.round(amount.percent * 100) * hosts) / 10_000);

/** How many hosts may switch a service that `hosts` of them define; at least 1. */
export const mostParallel = ({ maxParallel }: Pace, hosts: number): number =>
  Math.max(1, amountOf(maxParallel, hosts));

/** As it is written in a manifest and on the command line: `2` or `10%`. */
export const amountText = (amount: Amount): string =>
  'hosts' in amount ? String(amount.hosts) : `${String(amount.percent)}%`;

/** `canary=true` or `10%`. */
export const waveName = (wave: Wave): string =>
  'labels' in wave ? formatLabels(wave.labels) : amountText(wave);
