import { markdownOf, spreadOf, valueText, type Unit } from '../figures.ts';
import { MIB, sideOf, type FleetFigures } from './fleet-rows.ts';
import type { Sent } from './reporting-hosts.ts';

/** A figure that was not measured: how it follows from those that were. */
export interface CalculatedRow {
  readonly name: string;
  readonly value: number;
  readonly unit: Unit;
  readonly from: string;
}

/** The agent's: a heartbeat a minute, and a poll that ends after 50 s. */
const HEARTBEAT_SECONDS = 60;
const POLL_SECONDS = 50;
/** Hosts of a dead hub come back within this time. */
const SPREAD_SECONDS = 5;

const median = (values: readonly number[]): number => spreadOf(values).median;
const count = (value: number): string => Math.round(value).toLocaleString('en');

const row = (name: string, value: number, unit: Unit, from: string): CalculatedRow => ({
  name,
  value,
  unit,
  from,
});

/** Of hubs on PostgreSQL. What a part that was left out would say is left out. */
export const calculatedRows = (
  figures: FleetFigures,
  hosts: number,
  hubs: number,
): readonly CalculatedRow[] => {
  const share = Math.ceil(hosts / hubs);
  const shareLeft = Math.ceil(hosts / (hubs - 1));
  const [polls, tls] = [sideOf(figures.polls, 'postgres'), sideOf(figures.tls, 'postgres')];
  const dead = figures.dead?.find(({ side, isWhole }) => side === 'postgres' && !isWhole);
  const stored = figures.stored?.find((each) => each.side === 'postgres' && each.hosts === hosts);
  const rows: CalculatedRow[] = [];

  const indexBytes = stored && median(stored.starts.map(({ hubBytes }) => hubBytes));
  for (const [held, how] of [
    [polls, ''],
    [tls, ' with TLS'],
  ] as const) {
    if (held?.bytesPerKept === undefined || indexBytes === undefined) continue;
    const perHost = held.bytesPerPoll + held.bytesPerKept;
    for (const [each, when] of [
      [share, ''],
      [shareLeft, ', one hub dead'],
    ] as const)
      rows.push(
        row(
          `memory of a hub${how}${when}`,
          (indexBytes + each * perHost) / MIB,
          'MiB',
          `${valueText(indexBytes / MIB, 'MiB')} with all reports + ${count(each)} hosts × ` +
            `${valueText(perHost / 1024, 'KiB')} for a poll and a kept connection`,
        ),
      );
  }
  if (polls) {
    const each = median(polls.publishes.map(({ spent }) => spent.hubCpuMs)) / polls.polls;
    rows.push(
      row(
        'publish → last host, each hub with a core of its own',
        (each * share) / 1000,
        's',
        `${count(share)} polls × ${valueText(each * 1000, 'µs')} of a hub's CPU`,
      ),
    );
  }
  const loadOf = (what: Sent) =>
    figures.load?.find((each) => each.side === 'postgres' && each.what === what)?.results;
  for (const [what, name, seconds] of [
    ['heartbeat', `a heartbeat of each host in ${String(HEARTBEAT_SECONDS)} s`, HEARTBEAT_SECONDS],
    ['poll', `a poll of each host ends in ${String(POLL_SECONDS)} s`, POLL_SECONDS],
  ] as const) {
    const results = loadOf(what);
    if (!results) continue;
    const [hub, database] = [
      median(results.map(({ hubCpuMsEach }) => hubCpuMsEach)),
      median(results.map(({ databaseCpuMsEach }) => databaseCpuMsEach)),
    ];
    const rate = `${count(hosts / seconds)} a second × `;
    const cores = (each: number): number => ((hosts / seconds) * each) / 1000;
    rows.push(
      row(`${name}: all hubs`, cores(hub), 'cores', rate + valueText(hub * 1000, 'µs')),
      row(`${name}: the database`, cores(database), 'cores', rate + valueText(database * 1000, 'µs')),
    );
  }
  const reports = loadOf('report');
  if (reports) {
    const hub = median(reports.map(({ hubCpuMsEach }) => hubCpuMsEach)) / hubs;
    const database = median(reports.map(({ databaseCpuMsEach }) => databaseCpuMsEach));
    rows.push(
      row(
        'news of every host, hubs and database with a core each',
        (hosts * Math.max(hub, database)) / 1000,
        's',
        `${count(hosts)} × the more of ${valueText(hub * 1000, 'µs')} at its hub and ` +
          `${valueText(database * 1000, 'µs')} at the database`,
      ),
    );
  }
  if (dead) {
    const each = median(dead.deaths.map(({ spent, hosts: moved }) => spent.hubCpuMs / moved));
    rows.push(
      row(
        `the hosts of a dead hub: each hub that is left, for ${String(SPREAD_SECONDS)} s`,
        (share * each) / 1000 / SPREAD_SECONDS / (hubs - 1),
        'cores',
        `${count(share)} hosts × ${valueText(each * 1000, 'µs')} on ${String(hubs - 1)} hubs`,
      ),
    );
  }
  return rows;
};

export const calculatedTable = (rows: readonly CalculatedRow[], hosts: number, hubs: number): string =>
  markdownOf(
    [`calculated: ${count(hosts)} hosts, ${String(hubs)} hubs`, '', 'from'],
    rows.map(({ name, value, unit, from }) => [name, valueText(value, unit), from]),
  );
