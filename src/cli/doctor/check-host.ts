import { access, constants } from 'node:fs/promises';
import type { Config } from '../../config/agent-config.ts';
import { environmentFile } from '../../config/instance.ts';
import { readHostConfig } from '../wiring/host-config.ts';
import { toAgentError } from '../../core/errors.ts';
import { formatNeed, isUnmet } from '../../core/compose/engine-needs.ts';
import { formatImage } from '../../core/image/reference.ts';
import { bad, guarded, hint, ok, type Check } from './check.ts';
import { checkServices } from './check-services.ts';
import { checkLogs } from './check-logs.ts';
import { checkRegistries } from './check-registries.ts';
import { checkHubs } from './check-hubs.ts';
import { checkDaemon, checkMetrics, checkReportToken } from './check-reports.ts';
import { freeBytes } from '../../io/disk-space.ts';
import { isThere } from '../../io/durable-file.ts';
import { describeTrust } from '../wiring/host-files.ts';
import { createQuietLog } from '../terminal/narrator.ts';
import { count, formatBytes } from '../terminal/units.ts';
import { wireAgent, type Wired } from '../wiring/wire-agent.ts';

const checkFiles = async (
  { agent, ports }: Wired,
  config: Config,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const failure = await agent.open(signal);
  // Shows whether a missing ledger was lost. An offline engine has its own line.
  await agent.observe(signal);
  const { project, composeProblems, trust, trustProblem } = agent.intake.state();
  const names = Object.keys(project?.services ?? {});
  return [
    ...(project
      ? [ok('compose', `${config.composePath}: ${count(names.length, 'service')}`)]
      : composeProblems.map((p) => bad('compose', p.message, p.advice))),
    trustProblem
      ? bad('trust', trustProblem.message, trustProblem.advice)
      : ok('trust', trust ? describeTrust(trust) : 'none: unsigned manifests are accepted'),
    failure
      ? bad('ledger', failure.message, failure.advice ?? '')
      : checkLedger(agent.record, ports.ledger.path),
  ];
};

const checkLedger = (record: Wired['agent']['record'], path: string): Check => {
  const trouble = record.trouble();
  if (trouble) return bad('ledger', trouble.message, trouble.advice);
  return record.isUndecided()
    ? hint('ledger', `${path} does not exist`, 'the agent writes it when it first runs here')
    : ok('ledger', path);
};

const MIN_STATE_BYTES = 50 * 1024 * 1024;
const MIN_ENGINE_BYTES = 1024 * 1024 * 1024;

const checkStateDir = async (config: Config): Promise<readonly Check[]> => {
  const { stateDir } = config;
  if (!(await isThere(stateDir)))
    return [
      hint(
        'state folder',
        `${stateDir} does not exist`,
        'the unit makes it at its start, or make it yourself',
      ),
    ];
  await access(stateDir, constants.W_OK);
  const free = await freeBytes(stateDir);
  if (free >= MIN_STATE_BYTES) return [ok('state folder', `${config.stateDir}, ${formatBytes(free)} free`)];
  return [
    bad(
      'state folder',
      `${config.stateDir} has only ${formatBytes(free)} free`,
      'free space: the agent needs it to accept new versions',
    ),
  ];
};

const checkEngine = async ({ agent, ports }: Wired): Promise<readonly Check[]> => {
  const facts = await ports.engine.facts();
  const { project } = agent.intake.state();
  const unmet = (project?.needs ?? []).filter((need) => isUnmet(need, facts));
  return [
    ok('engine', `${facts.version}, API ${facts.apiVersion}, ${facts.platform}`),
    ...unmet.map((need) => bad('compose', formatNeed(need, facts), need.advice)),
  ];
};

const checkEngineDisk = async ({ ports }: Wired): Promise<readonly Check[]> => {
  // An offline engine already has its own line.
  const disk = await ports.engine.room().catch(() => undefined);
  if (!disk) return [];
  const free = formatBytes(disk.freeBytes);
  return disk.freeBytes >= MIN_ENGINE_BYTES
    ? [ok('disk', `${free} free for images`)]
    : [
        bad(
          'disk',
          `only ${free} free for images`,
          `free space on the disk of ${disk.folder} (docker system df)`,
        ),
      ];
};

const checkManifest = async ({ agent }: Wired, signal: AbortSignal): Promise<readonly Check[]> => {
  await agent.intake.fetch(signal);
  const { source, rejection, manifest } = agent.intake.state();
  if (source.failure) return [bad('manifest', source.failure.message, source.failure.advice ?? '')];
  if (rejection) return [bad('manifest', rejection.message, rejection.advice)];
  return [ok('manifest', manifest ? `serial ${String(manifest.serial)}` : 'read')];
};

/** The current decision on the edge. No line if neither a service nor the health endpoint needs it. */
const checkEdge = async (
  { agent, ports }: Wired,
  { edgeImage: image }: Config,
  signal: AbortSignal,
): Promise<readonly Check[]> => {
  const input = await agent.observe(signal);
  const edge = agent.reconciler.view().plan?.edge;
  if (!edge || !input) return [];
  const { decision } = edge;
  if (decision.kind === 'blocked') return [bad('edge', decision.message, decision.advice)];
  const serving = edge.containers.find(({ role }) => role === 'serving');
  if (serving) return [ok('edge', `${serving.container.name}, HAProxy ${serving.version ?? '?'}`)];
  const name = formatImage(image);
  const isHere = input.actual.images.some((i) =>
    i.tags.some((t) => t.repository === image.repository && t.tag === image.tag),
  );
  if (!isHere && image.digest === undefined) await ports.engine.resolveTag(input.edge.image, signal);
  return [hint('edge', `not created yet (${name})`, 'the agent creates it when it next looks at this host')];
};

/** A manifest from the future shows that this host's clock is behind. */
const checkClock = ({ agent }: Wired): readonly Check[] => {
  const { manifest } = agent.intake.state();
  const now = new Date();
  const isBehind = manifest !== undefined && manifest.issuedAtMs > now.getTime() + 60_000;
  return isBehind
    ? [
        bad(
          'clock',
          `it is ${now.toISOString()} here, before the manifest was issued`,
          'set the clock (timedatectl)',
        ),
      ]
    : [ok('clock', now.toISOString())];
};

/** All checks, in the order in which `doctor` shows them. */
export const checkHost = async (env: NodeJS.ProcessEnv, signal: AbortSignal): Promise<readonly Check[]> => {
  let config: Config;
  try {
    config = readHostConfig(env);
  } catch (thrown) {
    const { message, advice } = toAgentError(thrown);
    return [bad('configuration', message, advice ?? '')];
  }
  const wired = wireAgent(config, { log: createQuietLog(), dryRun: true, daemonPid: undefined });
  return [
    ok('configuration', `${config.environment} on ${config.host}`),
    ...config.warnings.map((w) =>
      hint('configuration', w, `correct ${environmentFile(env['SUPERCARGO_INSTANCE'])}`),
    ),
    ...(await guarded('files', () => checkFiles(wired, config, signal))),
    ...(await guarded('state folder', () => checkStateDir(config))),
    ...(await guarded('engine', () => checkEngine(wired))),
    ...(await guarded('disk', () => checkEngineDisk(wired))),
    ...(await guarded('manifest', () => checkManifest(wired, signal))),
    ...(await guarded('hub', () => checkHubs(config, signal))),
    ...(await guarded('registry', () => checkRegistries(wired, config.mirrors, signal))),
    ...(await guarded('edge', () => checkEdge(wired, config, signal))),
    ...checkLogs(wired.agent.reconciler.view().actual ?? { containers: [] }),
    ...checkClock(wired),
    ...(await checkReportToken(config)),
    ...(await checkMetrics(config)),
    ...(await guarded('agent', () => checkDaemon(config))),
    ...(await guarded('services', () => checkServices(wired, config))),
  ];
};
