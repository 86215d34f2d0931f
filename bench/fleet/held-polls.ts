import { percentile } from '../../test/support/load.ts';
import { eventually } from '../../test/support/poll.ts';
import { costsOf, spentBy, type Spent } from './costs.ts';
import type { HeldOrders, Openings } from './held-hosts.ts';
import { shareOf, withHostProcesses, type HostProcess } from './host-processes.ts';
import { manifestText } from '../manifest-text.ts';
import { monotonicMs } from './orders.ts';
import type { Side, SideName } from './sides.ts';

/** One publish, from its request to the hosts that have it. */
export interface Notified {
  readonly firstMs: number;
  readonly medianMs: number;
  readonly lastMs: number;
  readonly spent: Spent;
}

export interface HeldFigures {
  readonly side: SideName;
  readonly polls: number;
  /** Of the hubs' memory, each. */
  readonly bytesPerPoll: number;
  /** Of a connection that is kept for the next report; undefined if none was opened. */
  readonly bytesPerKept: number | undefined;
  readonly publishes: readonly Notified[];
}

type Hosts = readonly HostProcess<HeldOrders>[];

const heldAt = async ({ hubs }: Side): Promise<number> => {
  const counts = await Promise.all(hubs.map(({ heldPolls }) => heldPolls()));
  return counts.reduce((sum, count) => sum + count, 0);
};

const untilHeld = (side: Side, polls: number): Promise<unknown> =>
  eventually(async () => (await heldAt(side)) === polls, {
    deadlineMs: 120_000,
    describe: async () => `${String(polls)} polls are held, there are ${String(await heldAt(side))}`,
  });

const residentOf = async (side: Side): Promise<number> =>
  (await costsOf(side)).hubs.reduce((sum, { residentBytes }) => sum + residentBytes, 0);

interface Scene {
  readonly side: Side;
  readonly hosts: Hosts;
  readonly polls: number;
  readonly bytesPerPoll: number;
  readonly bytesPerKept: number | undefined;
  serial: number;
  tag: string;
  readonly publishes: Notified[];
}

/** Opens so many connections in all. Returns what each takes of the hubs' memory. */
const openAll = async (
  { side, hosts, total }: { readonly side: Side; readonly hosts: Hosts; readonly total: number },
  open: (host: Hosts[number], openings: Openings) => Promise<null>,
  isDone: () => Promise<unknown>,
): Promise<number> => {
  const before = await residentOf(side);
  const ports = side.hubs.map(({ port }) => port);
  await Promise.all(
    hosts.map((host, index) => {
      const [from, to] = shareOf(total, index, hosts.length);
      const { isSecure } = side;
      return open(host, { ports, count: to - from, isSecure });
    }),
  );
  await isDone();
  return ((await residentOf(side)) - before) / total;
};

const prepare = async (side: Side, hosts: Hosts, polls: number, kept: number): Promise<Scene> => {
  const [hub] = side.hubs;
  const tag = await hub.publish(manifestText(1));
  const bytesPerPoll = await openAll(
    { side, hosts, total: polls },
    ({ ask }, order) => ask('open', { ...order, tag }),
    () => untilHeld(side, polls),
  );
  // Afterwards: the first connections make the hub's heap larger, whatever they are for.
  const bytesPerKept =
    kept === 0
      ? undefined
      : await openAll(
          { side, hosts, total: kept },
          ({ ask }, order) => ask('visit', order),
          () => Promise.resolve(),
        );
  return { side, hosts, polls, bytesPerPoll, bytesPerKept, serial: 1, tag, publishes: [] };
};

const publishOnce = async (scene: Scene): Promise<void> => {
  const { side, hosts, polls } = scene;
  const [hub] = side.hubs;
  const { value, spent } = await spentBy(side, async () => {
    const notified = Promise.all(hosts.map(({ ask }) => ask('notified', null)));
    const startedMs = monotonicMs();
    scene.serial += 1;
    scene.tag = await hub.publish(manifestText(scene.serial));
    return { startedMs, atMs: (await notified).flat() };
  });
  const times = value.atMs.map((at) => at - value.startedMs).toSorted((a, b) => a - b);
  const [firstMs = 0] = times;
  scene.publishes.push({ firstMs, medianMs: percentile(times, 0.5), lastMs: times.at(-1) ?? 0, spent });
  await Promise.all(hosts.map(({ ask }) => ask('hold', { tag: scene.tag })));
  await untilHeld(side, polls);
};

export interface HeldOptions {
  readonly rounds: number;
  readonly processes: number;
  /** Of each side. */
  readonly polls: readonly [number, number];
  /** Connections that are kept for reports, of the first side; the other one may have no room for them. */
  readonly kept: number;
  readonly signal: AbortSignal;
}

/**
 * Both sides hold their polls all the time; publishes take turns. The first one of each warms up and does not
 * count.
 */
export const measureHeldPolls = (
  [first, second]: readonly [Side, Side],
  { rounds, processes, polls, kept, signal }: HeldOptions,
): Promise<readonly HeldFigures[]> =>
  withHostProcesses<HeldOrders, readonly HeldFigures[]>(
    { program: 'held-hosts.ts', count: 2 * processes, signal },
    async (hosts) => {
      const scenes = [
        await prepare(first, hosts.slice(0, processes), polls[0], kept),
        await prepare(second, hosts.slice(processes), polls[1], 0),
      ];
      for (let round = 0; round <= rounds; round += 1) for (const scene of scenes) await publishOnce(scene);
      return scenes.map(({ side, polls: count, bytesPerPoll, bytesPerKept, publishes }) => ({
        side: side.name,
        polls: count,
        bytesPerPoll,
        bytesPerKept,
        publishes: publishes.slice(1),
      }));
    },
  );
