import { spentBy, type Spent } from './costs.ts';
import { shareOf, withHostProcesses, type HostProcess } from './host-processes.ts';
import { manifestText } from '../manifest-text.ts';
import type { ReportingOrders, Sent } from './reporting-hosts.ts';
import type { Side, SideName } from './sides.ts';

export interface LoadResult {
  readonly perSecond: number;
  readonly hubCpuMsEach: number;
  readonly databaseCpuMsEach: number;
  readonly spent: Spent;
}

export interface LoadFigures {
  readonly side: SideName;
  readonly what: Sent;
  readonly results: readonly LoadResult[];
}

export interface LoadOptions {
  readonly rounds: number;
  readonly processes: number;
  readonly hosts: number;
  /** Open at once, and each waits for one answer. */
  readonly connections: number;
  readonly seconds: number;
  readonly signal: AbortSignal;
}

type Hosts = readonly HostProcess<ReportingOrders>[];

const prepare = async (side: Side, hosts: Hosts, options: LoadOptions): Promise<void> => {
  const [hub] = side.hubs;
  const tag = await hub.publish(manifestText(1));
  await Promise.all(
    hosts.map(({ ask }, index) =>
      ask('open', {
        ports: side.hubs.map(({ port }) => port),
        hosts: shareOf(options.hosts, index, hosts.length),
        connections: Math.ceil(options.connections / hosts.length),
        tag,
      }),
    ),
  );
  await Promise.all(hosts.map(({ ask }) => ask('fill', null)));
};

const loadOnce = async (side: Side, hosts: Hosts, what: Sent, seconds: number): Promise<LoadResult> => {
  const { value, spent } = await spentBy(side, () =>
    Promise.all(hosts.map(({ ask }) => ask('load', { what, seconds }))),
  );
  const count = value.reduce((sum, load) => sum + load.count, 0);
  const tookMs = Math.max(...value.map((load) => load.tookMs));
  return {
    perSecond: (count * 1000) / tookMs,
    hubCpuMsEach: spent.hubCpuMs / count,
    databaseCpuMsEach: spent.databaseCpuMs / count,
    spent,
  };
};

const KINDS: readonly Sent[] = ['report', 'repeat', 'heartbeat', 'poll'];

/** All hosts have reported before. The sides take turns, and so do the kinds. */
export const measureReportLoad = (
  sides: readonly [Side, Side],
  options: LoadOptions,
): Promise<readonly LoadFigures[]> =>
  withHostProcesses<ReportingOrders, readonly LoadFigures[]>(
    { program: 'reporting-hosts.ts', count: 2 * options.processes, signal: options.signal },
    async (hosts) => {
      const scenes = sides.map((side, index) => {
        const own = hosts.slice(index * options.processes, (index + 1) * options.processes);
        return { side, hosts: own, results: new Map(KINDS.map((what) => [what, [] as LoadResult[]])) };
      });
      for (const scene of scenes) await prepare(scene.side, scene.hosts, options);
      for (let round = 0; round < options.rounds; round += 1)
        for (const what of KINDS)
          for (const { side, hosts: own, results } of scenes)
            results.get(what)?.push(await loadOnce(side, own, what, options.seconds));
      return scenes.flatMap(({ side, results }) =>
        [...results].map(([what, all]) => ({ side: side.name, what, results: all })),
      );
    },
  );
