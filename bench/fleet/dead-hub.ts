import { eventually } from '../../test/support/poll.ts';
import type { BenchHub } from '../bench-hub.ts';
import { manifestText } from '../manifest-text.ts';
import { spentBy, type Spent } from './costs.ts';
import type { FollowingOrders } from './following-hosts.ts';
import { shareOf, withHostProcesses } from './host-processes.ts';
import type { Side, SideName } from './sides.ts';

/** From SIGKILL to one hub until its hosts hold a poll again. */
export interface Returned {
  /** That had a poll at the dead hub. */
  readonly hosts: number;
  readonly halfMs: number;
  readonly mostMs: number;
  readonly allMs: number;
  /** Of the hubs that are left. */
  readonly spent: Spent;
}

export interface DeadHubFigures {
  readonly side: SideName;
  readonly hosts: number;
  readonly isWhole: boolean;
  readonly deaths: readonly Returned[];
}

const MOST = 0.99;

const heldAt = async (hubs: readonly BenchHub[]): Promise<number> => {
  const counts = await Promise.all(hubs.map(({ heldPolls }) => heldPolls()));
  return counts.reduce((sum, count) => sum + count, 0);
};

/** Resolves with the moments at which the hubs held so many polls. */
const momentsOf = async (
  hubs: readonly BenchHub[],
  counts: readonly number[],
  startedMs: number,
): Promise<readonly number[]> => {
  const moments: number[] = [];
  for (const count of counts) {
    // A hub that has just been started again does not answer at once.
    await eventually(async () => (await heldAt(hubs)) >= count, {
      everyMs: 20,
      deadlineMs: 180_000,
      describe: async () => `${String(count)} polls are held, there are ${String(await heldAt(hubs))}`,
    });
    moments.push(performance.now() - startedMs);
  }
  return moments;
};

/** The hub that dies is the first one; where there is only one, it is started again at once. */
const killOnce = async ({ hubs, ...side }: Side, hosts: number): Promise<Returned> => {
  const [dying, ...others] = hubs;
  const atDying = await dying.heldPolls();
  const isAlone = others.length === 0;
  const left = isAlone ? 0 : hosts - atDying;
  const counts = [0.5, MOST, 1].map((part) => left + Math.ceil(part * atDying));
  const startedMs = performance.now();
  await dying.kill();
  if (isAlone) await dying.start();
  const [first = dying, ...rest] = others;
  const survivors: Side = { ...side, hubs: [first, ...rest] };
  const { value, spent } = await spentBy(survivors, () => momentsOf(survivors.hubs, counts, startedMs));
  if (!isAlone) await dying.start();
  const [halfMs = 0, mostMs = 0, allMs = 0] = value;
  return { hosts: atDying, halfMs, mostMs, allMs, spent };
};

export interface DeadHubOptions {
  readonly rounds: number;
  readonly processes: number;
  /** Of each side. */
  readonly hosts: readonly [number, number];
  /** Hosts with all of the agent's own code. */
  readonly wholeHosts: number;
  readonly signal: AbortSignal;
}

interface Case {
  readonly side: Side;
  readonly hosts: number;
  readonly isWhole: boolean;
  readonly deaths: Returned[];
}

const deathOf = (
  { side, hosts, isWhole }: Pick<Case, 'side' | 'hosts' | 'isWhole'>,
  { processes: count, signal }: DeadHubOptions,
): Promise<Returned> =>
  withHostProcesses<FollowingOrders, Returned>(
    { program: 'following-hosts.ts', count, signal },
    async (programs) => {
      const [first, ...rest] = side.hubs;
      await Promise.all(
        programs.map(({ ask }, index) =>
          ask('follow', {
            urls: [first.url, ...rest.map(({ url }) => url)],
            hosts: shareOf(hosts, index, programs.length),
            isWhole,
          }),
        ),
      );
      await momentsOf(side.hubs, [hosts], performance.now());
      return killOnce(side, hosts);
    },
  );

/** Each death has hosts of its own: those of before prefer another hub for a while. */
export const measureDeadHub = async (
  sides: readonly [Side, Side],
  options: DeadHubOptions,
): Promise<readonly DeadHubFigures[]> => {
  const [postgres, files] = sides;
  const { rounds, hosts, wholeHosts } = options;
  const cases: readonly Case[] = [
    { side: postgres, hosts: hosts[0], isWhole: false, deaths: [] },
    { side: files, hosts: hosts[1], isWhole: false, deaths: [] },
    { side: postgres, hosts: wholeHosts, isWhole: true, deaths: [] },
  ];
  for (const { hubs } of sides) await hubs[0].publish(manifestText(1));
  for (let round = 0; round < rounds; round += 1)
    for (const each of cases) each.deaths.push(await deathOf(each, options));
  return cases.map(({ side, ...figures }) => ({ side: side.name, ...figures }));
};
