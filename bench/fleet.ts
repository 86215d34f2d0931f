/**
 * npm run bench:fleet            three hubs on PostgreSQL beside one hub on files, with thousands of hosts
 * npm run bench:fleet -- --json  the same as JSON, with every single figure
 * npm run bench:fleet -- --only polls,tls,load,dead,turns,stored --rounds 3
 * npm run bench:fleet -- --small a hundredth of the hosts, to see that it works
 * 1. polls, tls: a publish, until the hosts have it that hold a poll; what a held poll takes
 * 2. load: reports, heartbeats and polls a second, and the CPU of hub and database for each
 * 3. dead: a hub is killed, until its hosts hold a poll at the others; one on files is started again
 * 4. turns: 64 hosts take turns
 * 5. stored: start of a hub with so many stored hosts, first answer to the page and to `supercargo fleet`
 * Both stores run side by side and take turns; what is acknowledged is on disk. Medians over the rounds, with the
 * extremes. A second table has what follows from it for a fleet that does not fit on one machine.
 */
import { parseArgs } from 'node:util';
import { buildBundle } from '../scripts/build.ts';
import { calculatedRows, calculatedTable } from './fleet/calculated.ts';
import { mostConnections } from './fleet/costs.ts';
import { measureDeadHub } from './fleet/dead-hub.ts';
import { fleetRows, fleetTable, type FleetFigures } from './fleet/fleet-rows.ts';
import { measureHeldPolls } from './fleet/held-polls.ts';
import { measureReportLoad } from './fleet/report-load.ts';
import { withSides, type Side } from './fleet/sides.ts';
import { measureStored } from './fleet/stored-hosts.ts';
import { measureTurns } from './fleet/turn-load.ts';

const { values } = parseArgs({
  options: {
    json: { type: 'boolean', default: false },
    small: { type: 'boolean', default: false },
    only: { type: 'string', default: 'polls,tls,load,dead,turns,stored' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '5' },
    hubs: { type: 'string', default: '3' },
    /** Of hosts, on each side. */
    processes: { type: 'string', default: '2' },
  },
});
const [rounds = 5, seconds = 5, hubs = 3, processes = 2] = [
  values.rounds,
  values.seconds,
  values.hubs,
  values.processes,
].map(Number);

const scaled = (hosts: number): number => (values.small ? Math.ceil(hosts / 100) : hosts);
const POLLS = scaled(20_000);
const KEPT = scaled(5_000);
const TLS_POLLS = scaled(3_000);
const TLS_KEPT = scaled(1_500);
const REPORTING = scaled(20_000);
const CONNECTIONS = scaled(2_000);
const WHOLE_AGENTS = scaled(1_500);
const TURN_HOSTS = values.small ? 64 : 1_000;
const STORED = { postgres: [scaled(100_000)], files: [scaled(5_000), scaled(20_000)] } as const;
const FLEET = scaled(100_000);

const ended = new AbortController();
const { signal } = ended;
for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(name, () => ended.abort());

/** One hub on files holds as many polls as this machine lets a process have files. */
const pollsOf = async (): Promise<readonly [number, number]> => {
  const most = await mostConnections();
  return [Math.min(POLLS, most * hubs), Math.min(POLLS, most)];
};

type Parts = { readonly [part in keyof FleetFigures]-?: () => Promise<FleetFigures> };
type Work<T> = (sides: readonly [Side, Side]) => Promise<T>;

const onSides = <T>(
  work: Work<T>,
  options: { readonly hubs?: number; readonly isSecure?: boolean } = {},
): Promise<T> => withSides(signal, { hubs, isSecure: false, ...options }, work);

const parts: Parts = {
  polls: async () => {
    const polls = await pollsOf();
    return {
      polls: await onSides((sides) =>
        measureHeldPolls(sides, { rounds, processes, polls, kept: KEPT, signal }),
      ),
    };
  },
  tls: async () => {
    const polls = [TLS_POLLS, TLS_POLLS] as const;
    const measure: Work<NonNullable<FleetFigures['tls']>> = (sides) =>
      measureHeldPolls(sides, { rounds, processes, polls, kept: TLS_KEPT, signal });
    return { tls: await onSides(measure, { isSecure: true }) };
  },
  load: async () => {
    const options = { rounds, processes, seconds, hosts: REPORTING, connections: CONNECTIONS, signal };
    return { load: await onSides((sides) => measureReportLoad(sides, options)) };
  },
  dead: async () => {
    const hosts = await pollsOf();
    const options = { rounds, processes, hosts, wholeHosts: WHOLE_AGENTS, signal };
    return { dead: await onSides((sides) => measureDeadHub(sides, options)) };
  },
  turns: async () => {
    const options = { rounds, seconds, hosts: TURN_HOSTS, signal };
    return { turns: await onSides((sides) => measureTurns(sides, options)) };
  },
  stored: async () => {
    const options = { rounds, processes, signal, ...STORED };
    return { stored: await onSides((sides) => measureStored(sides, options), { hubs: 1 }) };
  },
};

const isPart = (name: string): name is keyof Parts => name in parts;

const main = async (): Promise<void> => {
  const names = values.only.split(',');
  const chosen = names.filter(isPart);
  if (chosen.length < names.length)
    throw new Error(`--only ${values.only}: the parts are ${Object.keys(parts).join(',')}`);
  await buildBundle();
  let figures: FleetFigures = {};
  for (const name of chosen) {
    console.error(`» ${name}`);
    try {
      figures = { ...figures, ...(await parts[name]()) };
    } catch (error) {
      signal.throwIfAborted();
      // What the other parts have measured is not lost.
      console.error(error);
      process.exitCode = 1;
    }
  }
  const rows = fleetRows(figures);
  const calculated = calculatedRows(figures, FLEET, hubs);
  if (values.json) {
    console.log(JSON.stringify({ rounds, seconds, hubs, processes, measured: rows, calculated, figures }));
    return;
  }
  console.log(fleetTable(rows, hubs));
  if (calculated.length > 0) console.log(`\n${calculatedTable(calculated, FLEET, hubs)}`);
};

try {
  await main();
} catch (error) {
  if (!signal.aborted) throw error;
  process.exitCode = 130;
}
