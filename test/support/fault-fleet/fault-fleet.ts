import { DEFAULT_PACE, type Pace } from '../../../src/core/manifest/pace.ts';
import { eventually } from '../poll.ts';
import { type Evidence, newEvidence } from './evidence.ts';
import { type LightHost, pause, startLightHost } from './light-host.ts';
import { startSteadyPublisher, type SteadyPublisher } from './steady-publisher.ts';
import { startTurnTaker, type TurnTaker } from './turn-taker.ts';

/** Published all the time; its hosts switch at once. */
export const SHOP = 'shop';
/** Its hosts take turns; published as soon as all of them have the version before, or after a while. */
export const MART = 'mart';
export const MOST_TURNS = 2;
/** The publisher that goes through the balancer. */
export const BALANCED = 'balancer';

const HEARTBEAT_MS = 3_000;
const COUNTS = { [SHOP]: 40, [MART]: 8 } as const;
const PACE: Pace = { ...DEFAULT_PACE, maxParallel: { hosts: MOST_TURNS }, haltAfter: { percent: 100 } };
const PAUSE_MS = 250;
const OVERTAKE_MS = 20_000;

export interface FaultFleetOptions {
  /** Of the balancer. */
  readonly url: string;
  readonly hubs: readonly [string, ...string[]];
  readonly publishToken: string;
  readonly secret: string;
}

/** Hosts and publishers that use several hubs all the time, half of the hosts through the balancer. */
export interface FaultFleet {
  readonly evidence: Evidence;
  readonly hosts: readonly LightHost[];
  readonly takers: readonly TurnTaker[];
  readonly publishers: readonly SteadyPublisher[];
  /** Settles in the middle of a publish, and while a host has a turn. */
  readonly untilBusy: () => Promise<void>;
  readonly end: () => Promise<void>;
}

export const startFaultFleet = ({ url, hubs, publishToken, secret }: FaultFleetOptions): FaultFleet => {
  const evidence = newEvidence();
  const optionsOf = (environment: string, at: number) =>
    ({
      environment,
      name: `${environment}-${String(at + 1)}`,
      hubs: at % 2 === 0 ? ([url] as const) : hubs,
      secret,
      heartbeatMs: HEARTBEAT_MS,
      evidence,
    }) as const;
  const takers = Array.from({ length: COUNTS[MART] }, (_, at) => startTurnTaker(optionsOf(MART, at)));
  const shop = Array.from({ length: COUNTS[SHOP] }, (_, at) => startLightHost(optionsOf(SHOP, at)));

  const versions = { [SHOP]: 100_000, [MART]: 100 };
  const next = (environment: typeof SHOP | typeof MART) => (): number => (versions[environment] += 1);
  const shopTerms = {
    environment: SHOP,
    token: publishToken,
    nextVersion: next(SHOP),
    before: async (signal: AbortSignal) => pause(signal, PAUSE_MS),
    evidence,
  };
  const untilSwitched = async (signal: AbortSignal): Promise<void> => {
    const isSo = (): boolean => signal.aborted || takers.every((taker) => taker.version() === versions[MART]);
    const switched = eventually(isSo, { deadlineMs: OVERTAKE_MS, describe: () => 'all have it' });
    await Promise.race([switched.catch(() => undefined), pause(signal, OVERTAKE_MS)]);
  };
  const publishers = [
    startSteadyPublisher({ ...shopTerms, name: BALANCED, url }),
    // Goes on while the balancer is dead, and races with the other one.
    startSteadyPublisher({ ...shopTerms, name: 'hub2', url: hubs[1] ?? hubs[0] }),
    startSteadyPublisher({
      ...shopTerms,
      name: 'turns',
      url,
      environment: MART,
      nextVersion: next(MART),
      before: async (signal) => (versions[MART] === 100 ? undefined : untilSwitched(signal)),
      pace: PACE,
    }),
  ];
  const hosts = [...shop, ...takers];
  return {
    evidence,
    hosts,
    takers,
    publishers,
    untilBusy: async () => {
      await eventually(
        () => publishers[0]?.isBusy() === true && evidence.turns.some(({ toMs }) => toMs === Infinity),
        { everyMs: 5, describe: () => 'a publish and a turn are under way' },
      );
    },
    end: async () => {
      await Promise.all(publishers.map(async (publisher) => publisher.end()));
      await Promise.all(hosts.map(async (host) => host.end()));
    },
  };
};
