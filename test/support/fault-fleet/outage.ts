import { eventually } from '../poll.ts';
import { longestGap } from './evidence.ts';
import { BALANCED, SHOP, type FaultFleet } from './fault-fleet.ts';

/** How long clients were without an answer around one event, in ms. */
export interface Outage {
  readonly event: string;
  /** Of publishes through the balancer. */
  readonly balancedMs: number;
  /** Of all publishes: one publisher knows one hub alone. */
  readonly publishMs: number;
  readonly reportMs: number;
  readonly turnMs: number;
  /** From the event until all of it went on. */
  readonly wholeMs: number;
}

/** The first ones after an event may have been under way before. */
const SEVERAL = 3;

const timesOf = ({ evidence }: FaultFleet) => ({
  balanced: evidence.publishes.filter(({ publisher }) => publisher === BALANCED).map(({ atMs }) => atMs),
  publishes: evidence.publishes.filter(({ environment }) => environment === SHOP).map(({ atMs }) => atMs),
  reports: evidence.reports.map(({ atMs }) => atMs),
  turns: evidence.turns.map(({ fromMs }) => fromMs),
});

/**
 * Waits until publishes through the balancer, reports and reads of every host, and turns succeed after
 * `sinceMs`.
 */
export const untilGoesOn = async (fleet: FaultFleet, sinceMs: number, deadlineMs: number): Promise<void> => {
  const { evidence, hosts } = fleet;
  const missing = (): readonly string[] => {
    const publishes = evidence.publishes.filter(
      ({ publisher, atMs }) => publisher === BALANCED && atMs > sinceMs,
    );
    const serial = publishes[SEVERAL - 1]?.serial ?? Infinity;
    const heard = Map.groupBy(
      evidence.reports.filter(({ atMs }) => atMs > sinceMs),
      ({ host }) => host,
    );
    return [
      ...(publishes.length < SEVERAL ? ['publishes'] : []),
      ...hosts.flatMap(({ name }) => ((heard.get(name) ?? []).length < SEVERAL ? [name] : [])),
      ...hosts.flatMap((host) =>
        host.name.startsWith(SHOP) && (host.wanted()?.serial ?? 0) < serial
          ? [`manifest of ${host.name}`]
          : [],
      ),
      ...(evidence.turns.filter(({ fromMs }) => fromMs > sinceMs).length < SEVERAL ? ['turns'] : []),
    ];
  };
  await eventually(() => missing().length === 0, {
    deadlineMs,
    everyMs: 100,
    describe: () =>
      `these go on: ${missing().join(', ')}; publishers: ${fleet.publishers.flatMap(({ failures }) => failures.slice(-2)).join('; ')}`,
  });
};

/** Of an event at `sinceMs` after which all has gone on by now. */
export const outageOf = (fleet: FaultFleet, event: string, sinceMs: number): Outage => {
  const nowMs = performance.now();
  const { balanced, publishes, reports, turns } = timesOf(fleet);
  return {
    event,
    balancedMs: longestGap(balanced, sinceMs, nowMs),
    publishMs: longestGap(publishes, sinceMs, nowMs),
    reportMs: longestGap(reports, sinceMs, nowMs),
    turnMs: longestGap(turns, sinceMs, nowMs),
    wholeMs: nowMs - sinceMs,
  };
};

const seconds = (ms: number): string => (ms / 1_000).toFixed(1).padStart(11);

export const outageTable = (outages: readonly Outage[]): string =>
  [
    `${'longest time in s without'.padEnd(36)} a publish  (of all)   a report     a turn   all of it`,
    ...outages.map(
      ({ event, balancedMs, publishMs, reportMs, turnMs, wholeMs }) =>
        `${event.padEnd(36)}${[balancedMs, publishMs, reportMs, turnMs, wholeMs].map(seconds).join('')}`,
    ),
  ].join('\n');
