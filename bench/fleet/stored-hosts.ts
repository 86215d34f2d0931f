import { spawn } from 'node:child_process';
import { supercargo } from '../../test/support/host.ts';
import { PUBLISH_TOKEN, type BenchHub } from '../bench-hub.ts';
import { manifestText } from '../manifest-text.ts';
import { costsOf } from './costs.ts';
import { shareOf, withHostProcesses } from './host-processes.ts';
import type { ReportingOrders } from './reporting-hosts.ts';
import type { Side, SideName } from './sides.ts';

/** One start of a hub with so many stored hosts. */
export interface FirstAnswers {
  /** From the start of the program until it answers. */
  readonly startMs: number;
  readonly residentAtStart: number;
  /** The page's request for hosts, the first one after the start. */
  readonly pageMs: number;
  readonly pageBytes: number;
  /** The same once more. */
  readonly pageAgainMs: number;
  /** `supercargo fleet`, from its start: until it prints, and until it ends. */
  readonly fleetMs: number;
  readonly fleetEndMs: number;
  readonly hubBytes: number;
  readonly databaseBytes: number;
}

export interface StoredFigures {
  readonly side: SideName;
  readonly hosts: number;
  /** Of the database on disk. */
  readonly storedBytes: number;
  readonly starts: readonly FirstAnswers[];
}

export interface StoredOptions {
  readonly rounds: number;
  readonly processes: number;
  /** In ascending order. */
  readonly postgres: readonly number[];
  readonly files: readonly number[];
  readonly signal: AbortSignal;
}

const CONNECTIONS = 500;
/** What the page asks for when it is opened. */
const PAGE = '/reports/bench?limit=100&order=severity&status=whole';

/** Reports go to the hub as hosts send them. */
const report = (
  { hubs }: Side,
  [from, to]: readonly [number, number],
  { processes: count, signal }: StoredOptions,
): Promise<void> =>
  withHostProcesses<ReportingOrders, void>(
    { program: 'reporting-hosts.ts', count, signal },
    async (programs) => {
      await Promise.all(
        programs.map(async ({ ask }, index) => {
          const [first, last] = shareOf(to - from, index, programs.length);
          await ask('open', {
            ports: hubs.map(({ port }) => port),
            hosts: [from + first, from + last],
            connections: Math.min(CONNECTIONS, last - first),
            tag: '',
          });
          await ask('fill', null);
        }),
      );
    },
  );

const readPage = async ({ url }: BenchHub): Promise<{ readonly ms: number; readonly bytes: number }> => {
  const startedMs = performance.now();
  const headers = { authorization: `Bearer ${PUBLISH_TOKEN}` };
  const answer = await fetch(`${url}${PAGE}`, { headers });
  const { byteLength } = await answer.arrayBuffer();
  if (!answer.ok) throw new Error(`${PAGE}: ${String(answer.status)}`);
  return { ms: performance.now() - startedMs, bytes: byteLength };
};

/** Its exit code says how the hosts are. */
const runFleet = async ({ url }: BenchHub): Promise<{ readonly firstMs: number; readonly endMs: number }> => {
  const startedMs = performance.now();
  const env = { PATH: process.env['PATH'] ?? '', SUPERCARGO_PUBLISH_TOKEN: PUBLISH_TOKEN };
  const child = spawn(supercargo, ['fleet', 'bench', '--to', url], {
    env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { firstMs: 0, errors: '' };
  child.stdout.on('data', () => (output.firstMs ||= performance.now() - startedMs));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output.errors += text));
  await new Promise((resolve) => child.once('close', resolve));
  if (output.firstMs === 0) throw new Error(`supercargo fleet prints nothing: ${output.errors}`);
  return { firstMs: output.firstMs, endMs: performance.now() - startedMs };
};

const startOnce = async (side: Side): Promise<FirstAnswers> => {
  const [hub] = side.hubs;
  await hub.stop();
  const startedMs = performance.now();
  await hub.start();
  const startMs = performance.now() - startedMs;
  const residentAtStart = await hub.residentBytes();
  const page = await readPage(hub);
  const again = await readPage(hub);
  const fleet = await runFleet(hub);
  const { database } = await costsOf(side);
  return {
    startMs,
    residentAtStart,
    pageMs: page.ms,
    pageBytes: page.bytes,
    pageAgainMs: again.ms,
    fleetMs: fleet.firstMs,
    fleetEndMs: fleet.endMs,
    hubBytes: await hub.residentBytes(),
    databaseBytes: database.bytes,
  };
};

const storedBytesOf = async ({ database }: Side): Promise<number> => {
  if (!database) return 0;
  const name = new URL(database.url).pathname.slice(1);
  const [bytes] = await database.query(`select pg_database_size('${name}')`);
  return Number(bytes);
};

const measureSide = async (
  side: Side,
  sizes: readonly number[],
  options: StoredOptions,
): Promise<readonly StoredFigures[]> => {
  await side.hubs[0].publish(manifestText(1));
  const figures: StoredFigures[] = [];
  let stored = 0;
  for (const hosts of sizes) {
    await report(side, [stored, hosts], options);
    stored = hosts;
    const starts: FirstAnswers[] = [];
    while (starts.length < options.rounds) starts.push(await startOnce(side));
    figures.push({ side: side.name, hosts, storedBytes: await storedBytesOf(side), starts });
  }
  return figures;
};

/** One hub on each side. The sizes cannot take turns: a store is filled once. */
export const measureStored = async (
  [postgres, files]: readonly [Side, Side],
  options: StoredOptions,
): Promise<readonly StoredFigures[]> => [
  ...(await measureSide(postgres, options.postgres, options)),
  ...(await measureSide(files, options.files, options)),
];
