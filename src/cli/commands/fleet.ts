import type { Command } from 'commander';
import { setTimeout as sleep } from 'node:timers/promises';
import { readPublisherConfig } from '../../config/publisher.ts';
import { judgeHost, SILENT_MS, type HostVerdict } from '../../core/fleet/judge.ts';
import type { HostReport } from '../../core/fleet/report.ts';
import type { Manifest } from '../../core/manifest/model.ts';
import { EXIT, worstOf, type ExitCode } from '../../core/status/exit-code.ts';
import { createEnvironmentStore, type EnvironmentStore } from '../../publish/store.ts';
import type { Cli } from '../cli.ts';
import { terminalOf, writeJson, type Io } from '../io.ts';
import { addStoreFlags, checkEnvironment, type StoreFlags } from '../publishing/options.ts';
import { readHosts, readTrust } from '../publishing/files.ts';
import { openStore } from '../publishing/wire.ts';
import { renderFleet } from '../render/fleet.ts';

const HELP = `
Examples:
  supercargo fleet staging --to https://deploy.example.com
  supercargo fleet staging --to … --watch         the same, redrawn as it changes
  supercargo fleet staging --to … --json          supercargo/fleet-view/v1

Exit codes: 0 every host runs what is published · 2 not yet · 3 rolled back, blocked or refused somewhere · 4 a host is silent, or
no agent runs there`;

interface Flags extends StoreFlags {
  readonly hosts?: string;
  readonly watch?: boolean;
}

interface Fleet {
  readonly published: Manifest | undefined;
  readonly reports: readonly HostReport[];
  /** Expected, and never heard of. */
  readonly missing: readonly string[];
}

const look = async (
  view: EnvironmentStore,
  hosts: readonly string[] | undefined,
  signal: AbortSignal,
): Promise<Fleet> => {
  const [current, reports] = await Promise.all([view.current(signal), view.reports(hosts, signal)]);
  const known = new Set(reports.map((r) => r.host));
  return { published: current?.manifest, reports, missing: (hosts ?? []).filter((h) => !known.has(h)) };
};

const CODES: Readonly<Record<HostVerdict['kind'], ExitCode>> = {
  converged: EXIT.ok,
  pending: EXIT.pending,
  superseded: EXIT.pending,
  failed: EXIT.failed,
  stopped: EXIT.offline,
  silent: EXIT.offline,
};

const verdicts = ({ published, reports, missing }: Fleet, nowMs: number) =>
  published === undefined
    ? []
    : [
        ...reports.map((r) => ({ host: r.host, verdict: judgeHost(r, published, nowMs) })),
        ...missing.map((host) => ({ host, verdict: judgeHost(undefined, published, nowMs) })),
      ];

const tell = (io: Io, environment: string, fleet: Fleet, nowMs: number): string => {
  const { published, reports, missing } = fleet;
  const judged = verdicts(fleet, nowMs);
  const good = judged.filter((j) => j.verdict.kind === 'converged').length;
  const head = published
    ? `${environment}: serial ${String(published.serial)}, published ${new Date(published.issuedAtMs).toISOString()}${published.publisher?.name === undefined ? '' : ` by ${published.publisher.name}`}; ${String(good)} of ${String(judged.length)} hosts run it\n`
    : `${environment}: nothing is published\n`;
  const shown = reports.map((r) => ({ ...r, isSilent: nowMs - r.seenAtMs > SILENT_MS }));
  return `${head}\n${renderFleet(shown, missing, terminalOf(io), nowMs)}`;
};

const LOOK_MS = 1_000;
const CLEAR = '\u001B[H\u001B[J';

const runFleet = async (io: Io, name: string, flags: Flags, signal: AbortSignal): Promise<ExitCode> => {
  const environment = checkEnvironment(name);
  const config = readPublisherConfig(io.env);
  const hosts = flags.hosts === undefined ? undefined : await readHosts(flags.hosts);
  const trust = flags.trust === undefined ? undefined : await readTrust(flags.trust);
  // Reading is the readers' right: their token comes first here.
  const { documents: store } = await openStore(flags, {
    ...config,
    publishToken: config.readToken ?? config.publishToken,
  });
  const view = createEnvironmentStore(store, environment, trust);
  let before = '';
  for (;;) {
    const fleet = await look(view, hosts, signal);
    const nowMs = Date.now();
    const judged = verdicts(fleet, nowMs);
    const code = worstOf(judged.map((j) => CODES[j.verdict.kind]));
    const text = tell(io, environment, fleet, nowMs);
    if (flags.json === true)
      writeJson(io, {
        apiVersion: 'supercargo/fleet-view/v1',
        environment,
        at: new Date(nowMs).toISOString(),
        serial: fleet.published?.serial ?? null,
        hosts: judged.map(({ host, verdict }) => {
          const report = fleet.reports.find((r) => r.host === host);
          const seenAt = report ? new Date(report.seenAtMs).toISOString() : null;
          return { host, verdict, seenAt, status: report?.status ?? null };
        }),
      });
    else if (text !== before)
      io.stdout.write(flags.watch === true && terminalOf(io).columns !== undefined ? CLEAR + text : text);
    before = text;
    if (flags.watch !== true) return code;
    await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return code;
  }
};

export const addFleet = (program: Command, { io, run }: Cli): void => {
  addStoreFlags(program.command('fleet').argument('<environment>', 'whose hosts are shown'))
    .description('what every host of an environment runs, and who is behind')
    .option('--hosts <file>', 'hosts that should be there: one a line, or a JSON list')
    .option('--watch', 'again whenever something changes')
    .option('--json', 'as JSON (supercargo/fleet-view/v1)')
    .addHelpText('after', HELP)
    .action((environment: string, flags: Flags) =>
      run((signal) => runFleet(io, environment, flags, signal), { json: flags.json }),
    );
};
