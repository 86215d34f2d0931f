import { access } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { readConfig } from '../../config/agent-config.ts';
import { readSurroundings } from '../../config/host-facts.ts';
import { readDocumentPaths, readPaths } from '../../config/paths.ts';
import { createLedgerStore } from '../../adapters/state-dir/ledger-store.ts';
import type { ComposeProject } from '../../core/compose/project-model.ts';
import { effectiveProject, type Unmet } from '../../core/state/kept-networks.ts';
import { formatProblem as formatComposeProblem } from '../../core/compose/compose-problem.ts';
import { formatNeed, isUnmet } from '../../core/compose/engine-needs.ts';
import { AgentError } from '../../core/errors.ts';
import { formatImage } from '../../core/image/reference.ts';
import { accept, DOCUMENT_CAP_BYTES } from '../../core/manifest/accept.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { EngineFacts } from '../../core/state/actual.ts';
import type { Call } from '../call.ts';
import { createQuietLog } from '../terminal/narrator.ts';
import { count } from '../terminal/units.ts';
import { checkEnvironmentFile } from '../wiring/check-environment-file.ts';
import { checkCompose, describeTrust, readTrustFile, type CheckedCompose } from '../wiring/host-files.ts';
import { readInputFile, unreadText } from '../../io/input-file.ts';
import { createStaging } from '../../io/staging.ts';
import { printableMessage } from '../../core/printable-text.ts';
import { terminalOf, writeJson, type Io } from '../streams.ts';

interface ValidateOptions {
  readonly compose?: string;
  readonly env?: string;
  readonly as?: string;
  readonly manifest?: string;
  readonly trust?: string;
  readonly environment?: string;
  readonly json?: boolean;
}

interface Finding {
  readonly file: string;
  readonly kind: 'ok' | 'error' | 'hint';
  readonly message: string;
}

const hasComposeFile = ({ watch }: CheckedCompose): boolean => watch.some((file) => /\.ya?ml$/.test(file));

/** The agent removes nothing if the files name no service that runs; declared ones stand for those here. */
const lastStand = (path: string, before: CheckedCompose, after: CheckedCompose): readonly Finding[] => {
  if (before.kind !== 'ok' || (after.kind === 'errors' && hasComposeFile(after))) return [];
  const names = Object.keys(before.project.services);
  const project = after.kind === 'ok' ? after.project : undefined;
  if (project?.allowEmpty === true || names.length === 0) return [];
  if (names.some((name) => project?.services[name])) return [];
  const message =
    `names none of the services that are declared here now (${names.join(', ')}): the agent would keep ` +
    'them all, and be blocked\n    → if that is meant, write at the top of a file: ' +
    'x-supercargo: {allow-empty: true}';
  return [{ file: path, kind: 'error', message }];
};

/** The engine of this host; undefined if it cannot be asked, as on a build server. */
const engineHere = async (env: NodeJS.ProcessEnv): Promise<EngineFacts | undefined> => {
  try {
    const config = readConfig(env, readSurroundings());
    const { wireAgent } = await import('../wiring/wire-agent.ts');
    const { ports } = wireAgent(config, { log: createQuietLog(), dryRun: true, daemonPid: undefined });
    return await ports.engine.facts();
  } catch {
    return undefined;
  }
};

/** What the file says of networks and this host cannot put in force beside those in use. */
const unmetHere = async (project: ComposeProject, env: NodeJS.ProcessEnv): Promise<readonly Unmet[]> => {
  try {
    const { stateDir, environment = '' } = readPaths(env);
    const read = await createLedgerStore(join(stateDir, 'ledger.json'), environment).read();
    if (read.kind !== 'ok') return [];
    const { kept, refused } = effectiveProject(project, read.ledger);
    return [...[...kept.values()].map(({ unmet }) => unmet), ...refused.values()];
  } catch {
    return [];
  }
};

/** What jobs of the fleet lack on this host. Elsewhere nothing of it is known, and all is named. */
const fleetJobHints = async (
  project: ComposeProject,
  env: NodeJS.ProcessEnv,
  isForThisHost: boolean,
): Promise<readonly string[]> => {
  const jobs = Object.values(project.services).flatMap(({ name, once }) => (once === 'fleet' ? [name] : []));
  if (jobs.length === 0) return [];
  const lacks = isForThisHost ? await lackedByFleetJobs(env) : FLEET_JOB_NEEDS;
  return lacks.length === 0
    ? []
    : jobs.map((job) => `${job} runs once in the fleet, and waits until there is ${lacks.join(', and ')}`);
};

const STORE_NEED = 'SUPERCARGO_REPORT_URL on the host';
const PACE_NEED = 'a pace in the manifest (supercargo pace ENV) or SUPERCARGO_TURNS=always on the host';
const FLEET_JOB_NEEDS = [STORE_NEED, PACE_NEED];

const lackedByFleetJobs = async (env: NodeJS.ProcessEnv): Promise<readonly string[]> => {
  try {
    const { report, turns } = readConfig(env, readSurroundings());
    const { stateDir, environment = '' } = readPaths(env);
    const read = await createLedgerStore(join(stateDir, 'ledger.json'), environment).read();
    const hasPace = read.kind === 'ok' && read.ledger.accepted?.manifest.pace !== undefined;
    return [...(report ? [] : [STORE_NEED]), ...(hasPace || turns === 'always' ? [] : [PACE_NEED])];
  } catch {
    return FLEET_JOB_NEEDS;
  }
};

interface ComposeCheck {
  readonly path: string;
  /** The new content of the file. */
  readonly candidate: string | undefined;
  /** Whether the engine of this host will run it. */
  readonly isForThisHost: boolean;
}

const checkComposeAt = async (
  { path, candidate, isForThisHost }: ComposeCheck,
  env: NodeJS.ProcessEnv,
  signal: AbortSignal,
): Promise<readonly Finding[]> => {
  const checked = await checkCompose(path, signal, candidate);
  const refused = candidate === undefined ? [] : lastStand(path, await checkCompose(path, signal), checked);
  if (refused.length > 0) return refused;
  if (checked.kind === 'errors') {
    return checked.errors.map((p) => ({ file: path, kind: 'error', message: formatComposeProblem(p) }));
  }
  const { services, hints, needs } = checked.project;
  const unmet = isForThisHost ? await unmetHere(checked.project, env) : [];
  const engine = needs.length === 0 ? undefined : await engineHere(env);
  const names = Object.keys(services);
  return [
    { file: path, kind: 'ok', message: `${count(names.length, 'service')}: ${names.join(', ')}` },
    ...hints.map((h): Finding => ({
      file: path,
      kind: 'hint',
      message: `${h.file}:${String(h.line)}: ${h.path}: ${h.message}`,
    })),
    ...(await fleetJobHints(checked.project, env, isForThisHost)).map((message): Finding => ({
      file: path,
      kind: 'hint',
      message,
    })),
    ...unmet.map(({ message, advice }): Finding => ({
      file: path,
      kind: 'error',
      message: `${message}\n    → ${advice}`,
    })),
    ...needs.flatMap((need): readonly Finding[] => {
      if (engine === undefined || !isUnmet(need, engine)) return [];
      const message = `${formatNeed(need, engine)}\n    → ${need.advice}`;
      return [{ file: path, kind: isForThisHost ? 'error' : 'hint', message }];
    }),
  ];
};

const checkTrustAt = async (path: string): Promise<readonly Finding[]> => {
  const read = await readTrustFile(path);
  if (read.kind === 'problem') {
    const { message, advice } = read.problem;
    return [{ file: path, kind: 'error', message: `${message}\n    → ${advice}` }];
  }
  return read.kind === 'trust' ? [{ file: path, kind: 'ok', message: describeTrust(read.trust) }] : [];
};

/** `as` is the folder that the file and those beside it are to take. */
const checkEnvironmentAt = async (
  file: string,
  { io, signal }: Call,
  as: string | undefined,
): Promise<readonly Finding[]> => {
  const staging = as === undefined ? undefined : createStaging(dirname(file), as);
  const shown = as === undefined ? file : join(as, basename(file));
  const checked = await checkEnvironmentFile(file, {
    instance: io.env['SUPERCARGO_INSTANCE'],
    locate: staging?.locate ?? ((path) => path),
    signal,
  });
  if (checked.kind === 'problems') {
    return checked.problems.map(({ line, message }) => {
      const place = line === undefined ? shown : `${shown}:${String(line)}`;
      return { file: shown, kind: 'error', message: `${place}: ${message}` };
    });
  }
  const { environment, host, warnings } = checked.config;
  return [
    { file: shown, kind: 'ok', message: `${environment} on ${host}` },
    ...warnings.map((message): Finding => ({ file: shown, kind: 'hint', message })),
  ];
};

/** Judges the manifest like a host that has accepted none yet. */
const checkManifestAt = async (
  path: string,
  trustFile: string | undefined,
  environment: string | undefined,
): Promise<readonly Finding[]> => {
  const read = await readInputFile(path, DOCUMENT_CAP_BYTES);
  if (read.kind !== 'bytes') return [{ file: path, kind: 'error', message: unreadText(read) }];
  const document = read.bytes;
  const trust = trustFile === undefined ? undefined : await readTrustFile(trustFile);
  const named = environment ?? environmentIn(document);
  const verdict = accept({
    document,
    environment: named,
    trust: trust?.kind === 'trust' ? trust.trust : undefined,
    watermark: undefined,
    nowMs: Date.now(),
  });
  if (verdict.kind === 'rejected') {
    const { reason, message, advice } = verdict.rejection;
    return [{ file: path, kind: 'error', message: `${message} (${reason})\n    → ${advice}` }];
  }
  if (verdict.kind === 'unchanged') return [];
  const { manifest } = verdict.accepted;
  const services = Object.entries(manifest.services).map(
    ([name, s]) => `${name}=${formatImage({ ...s.image, digest: undefined })}`,
  );
  return [
    {
      file: path,
      kind: 'ok',
      message: `${manifest.environment}, serial ${String(manifest.serial)}: ${services.join(', ')}`,
    },
  ];
};

/** The document's own environment, which then passes the comparison. */
const environmentIn = (document: Uint8Array): string => {
  const found = /["']?environment["']?\s*:\s*["']?([a-z0-9][a-z0-9_-]*)/.exec(
    Buffer.from(document).toString('utf8'),
  );
  return found?.[1] ?? '';
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

export const run = async (call: Call, options: ValidateOptions): Promise<ExitCode> => {
  const { io, signal } = call;
  const { compose: composeOption, manifest, trust: trustOption, env } = options;
  const isNamed = [composeOption, manifest, trustOption, env].some((path) => path !== undefined);
  if (options.as !== undefined && composeOption === undefined && env === undefined)
    throw new AgentError('USAGE', '--as needs --compose or --env', {
      advice: 'name the new file with --compose or --env, and the place that it is to take with --as',
    });
  const candidate = options.as === undefined ? undefined : composeOption;
  // The variables of this host may be wrong, and are needed only for what no option names.
  const paths = isNamed && manifest === undefined ? undefined : readDocumentPaths(io.env);
  const own = isNamed ? undefined : paths;
  const compose = candidate === undefined ? (composeOption ?? own?.composePath) : options.as;
  const trust = trustOption ?? (own && (await exists(own.trustFile)) ? own.trustFile : undefined);
  const isForThisHost = options.as !== undefined || !isNamed;
  const findings = [
    ...(env === undefined ? [] : await checkEnvironmentAt(env, call, options.as)),
    ...(compose === undefined
      ? []
      : await checkComposeAt({ path: compose, candidate, isForThisHost }, io.env, signal)),
    ...(trust === undefined ? [] : await checkTrustAt(trust)),
    ...(manifest === undefined
      ? []
      : await checkManifestAt(manifest, trustOption, options.environment ?? paths?.environment)),
  ];
  const failed = findings.some((f) => f.kind === 'error');
  if (options.json === true)
    writeJson(io, { apiVersion: 'supercargo/validation/v1', valid: !failed, findings });
  else for (const finding of findings) io.stdout.write(render(finding, io));
  return failed ? EXIT.error : EXIT.ok;
};

const render = ({ file, kind, message }: Finding, io: Io): string => {
  const { palette } = terminalOf(io);
  const mark =
    kind === 'ok' ? palette.good('ok   ') : kind === 'hint' ? palette.warn('hint ') : palette.bad('error');
  const text = message.startsWith(file) ? message : `${file}: ${message}`;
  return `${mark} ${printableMessage(text)}\n`;
};
