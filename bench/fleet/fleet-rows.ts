import { markdownOf, spreadOf, spreadText, type Spread, type Unit } from '../figures.ts';
import type { DeadHubFigures, Returned } from './dead-hub.ts';
import type { HeldFigures, Notified } from './held-polls.ts';
import type { LoadFigures, LoadResult } from './report-load.ts';
import type { Sent } from './reporting-hosts.ts';
import type { SideName } from './sides.ts';
import type { FirstAnswers, StoredFigures } from './stored-hosts.ts';
import type { TurnFigures } from './turn-load.ts';

/** What was measured; a part that was left out is undefined. */
export interface FleetFigures {
  readonly polls?: readonly HeldFigures[];
  readonly tls?: readonly HeldFigures[];
  readonly load?: readonly LoadFigures[];
  readonly dead?: readonly DeadHubFigures[];
  readonly turns?: readonly TurnFigures[];
  readonly stored?: readonly StoredFigures[];
}

export interface FleetRow {
  readonly name: string;
  readonly unit: Unit;
  readonly postgres: Spread | undefined;
  readonly files: Spread | undefined;
}

export const MIB = 1024 ** 2;

type Value<T> = (one: T) => number;

const spreadBy = <T>(all: readonly T[] | undefined, value: Value<T>): Spread | undefined =>
  all === undefined || all.length === 0 ? undefined : spreadOf(all.map(value));

export const sideOf = <F extends { readonly side: SideName }>(
  figures: readonly F[] | undefined,
  side: SideName,
): F | undefined => figures?.find((each) => each.side === side);

type MakeRow<T> = (name: string, unit: Unit, value: Value<T>) => FleetRow;

/** Makes rows from what was measured on each side. */
const rowsFrom =
  <T>(postgres: readonly T[] | undefined, files: readonly T[] | undefined): MakeRow<T> =>
  (name, unit, value) => ({
    name,
    unit,
    postgres: spreadBy(postgres, value),
    files: spreadBy(files, value),
  });

const heldRows = (figures: readonly HeldFigures[], how: string): readonly FleetRow[] => {
  const [postgres, files] = [sideOf(figures, 'postgres'), sideOf(figures, 'files')];
  const row = rowsFrom<Notified>(postgres?.publishes, files?.publishes);
  const databaseRow = rowsFrom<Notified>(postgres?.publishes, undefined);
  const each = rowsFrom<HeldFigures>(postgres && [postgres], files && [files]);
  const keptRow = rowsFrom<number>(
    postgres?.bytesPerKept === undefined ? undefined : [postgres.bytesPerKept],
    [],
  );
  const counts = `${String(postgres?.polls)} and ${String(files?.polls)} held polls${how}`;
  return [
    row(`publish → first host, ${counts}`, 'ms', ({ firstMs }) => firstMs),
    row('publish → median host', 'ms', ({ medianMs }) => medianMs),
    row('publish → last host', 'ms', ({ lastMs }) => lastMs),
    row('CPU of all hubs for it', 'ms', ({ spent }) => spent.hubCpuMs),
    databaseRow('CPU of the database for it', 'ms', ({ spent }) => spent.databaseCpuMs),
    row('memory of the largest hub', 'MiB', ({ spent }) => spent.hubBytes / MIB),
    databaseRow('memory of the database', 'MiB', ({ spent }) => spent.databaseBytes / MIB),
    each('a held poll, of the hubs’ memory', 'KiB', ({ bytesPerPoll }) => bytesPerPoll / 1024),
    keptRow('a connection that is kept for reports', 'KiB', (bytes) => bytes / 1024),
  ];
};

const SENT: Readonly<Record<Sent, string>> = {
  report: 'reports with news',
  repeat: 'reports without news',
  heartbeat: 'heartbeats',
  poll: 'polls that end without news',
};

const loadRows = (figures: readonly LoadFigures[]): readonly FleetRow[] =>
  Object.entries(SENT).flatMap(([what, name]) => {
    const of = figures.filter((each) => each.what === what);
    const [postgres, files] = [sideOf(of, 'postgres')?.results, sideOf(of, 'files')?.results];
    const row = rowsFrom<LoadResult>(postgres, files);
    const databaseRow = rowsFrom<LoadResult>(postgres, undefined);
    return [
      // Their wait limits them, not the hub.
      ...(what === 'poll' ? [] : [row(name, 'a second', ({ perSecond }) => perSecond)]),
      row(
        what === 'poll' ? `${name}: CPU of all hubs for each` : 'CPU of all hubs for each',
        'µs',
        ({ hubCpuMsEach }) => hubCpuMsEach * 1000,
      ),
      databaseRow('CPU of the database for each', 'µs', ({ databaseCpuMsEach }) => databaseCpuMsEach * 1000),
      row('processors in use, by the hosts too', '%', ({ spent }) => spent.busy * 100),
      row('memory of the largest hub', 'MiB', ({ spent }) => spent.hubBytes / MIB),
      databaseRow('memory of the database', 'MiB', ({ spent }) => spent.databaseBytes / MIB),
    ];
  });

const deathRows = (figures: readonly DeadHubFigures[], how: string): readonly FleetRow[] => {
  const row = rowsFrom<Returned>(sideOf(figures, 'postgres')?.deaths, sideOf(figures, 'files')?.deaths);
  const counts = figures.map(({ hosts }) => String(hosts)).join(' and ');
  return [
    row(`hosts of a hub that is killed, of ${counts}${how}`, 'hosts', ({ hosts }) => hosts),
    row('killed → half of them hold a poll', 's', ({ halfMs }) => halfMs / 1000),
    row('killed → 99 %', 's', ({ mostMs }) => mostMs / 1000),
    row('killed → all', 's', ({ allMs }) => allMs / 1000),
    row('CPU of all hubs for it', 'ms', ({ spent }) => spent.hubCpuMs),
  ];
};

const deadRows = (figures: readonly DeadHubFigures[]): readonly FleetRow[] => [
  ...deathRows(
    figures.filter(({ isWhole }) => !isWhole),
    '',
  ),
  ...deathRows(
    figures.filter(({ isWhole }) => isWhole),
    ' with all of the agent’s code',
  ),
];

const turnRows = (figures: readonly TurnFigures[]): readonly FleetRow[] => {
  const [postgres, files] = [sideOf(figures, 'postgres'), sideOf(figures, 'files')];
  const row = (name: string, kind: 'free' | 'contended'): FleetRow =>
    rowsFrom<number>(postgres?.[kind], files?.[kind])(name, 'a second', (rate) => rate);
  return [row('turns, no host waits', 'free'), row('turns, 56 of 64 hosts wait', 'contended')];
};

const storedRows = (figures: readonly StoredFigures[]): readonly FleetRow[] =>
  figures.flatMap(({ side, hosts, storedBytes, starts }) => {
    const isPostgres = side === 'postgres';
    const row = rowsFrom<FirstAnswers>(isPostgres ? starts : undefined, isPostgres ? undefined : starts);
    const databaseRow = rowsFrom<FirstAnswers>(isPostgres ? starts : undefined, undefined);
    return [
      row(`start of one hub with ${String(hosts)} stored hosts`, 's', ({ startMs }) => startMs / 1000),
      row('first answer to the page', 'ms', ({ pageMs }) => pageMs),
      row('its length', 'KiB', ({ pageBytes }) => pageBytes / 1024),
      row('the next one', 'ms', ({ pageAgainMs }) => pageAgainMs),
      row('`supercargo fleet` → its first line', 'ms', ({ fleetMs }) => fleetMs),
      row('`supercargo fleet` → its end', 'ms', ({ fleetEndMs }) => fleetEndMs),
      row('memory of the hub after its start', 'MiB', ({ residentAtStart }) => residentAtStart / MIB),
      row('memory of the hub after these', 'MiB', ({ hubBytes }) => hubBytes / MIB),
      databaseRow('memory of the database', 'MiB', ({ databaseBytes }) => databaseBytes / MIB),
      databaseRow('the database on disk', 'MiB', () => storedBytes / MIB),
    ];
  });

export const fleetRows = (figures: FleetFigures): readonly FleetRow[] => [
  ...(figures.polls ? heldRows(figures.polls, '') : []),
  ...(figures.tls ? heldRows(figures.tls, ' with TLS') : []),
  ...(figures.load ? loadRows(figures.load) : []),
  ...(figures.dead ? deadRows(figures.dead) : []),
  ...(figures.turns ? turnRows(figures.turns) : []),
  ...(figures.stored ? storedRows(figures.stored) : []),
];

const ratioText = ({ postgres, files }: FleetRow): string =>
  postgres && files && files.median !== 0 ? (postgres.median / files.median).toFixed(2) : '';

export const fleetTable = (rows: readonly FleetRow[], hubs: number): string =>
  markdownOf(
    ['', `${String(hubs)} hubs, PostgreSQL`, 'one hub, files', 'ratio'],
    rows
      .filter(({ postgres, files }) => postgres ?? files)
      .map((row) => [
        row.name,
        row.postgres ? spreadText(row.postgres, row.unit) : '',
        row.files ? spreadText(row.files, row.unit) : '',
        ratioText(row),
      ]),
  );
