import { askAgent } from '../../adapters/status-socket/ask-agent.ts';
import { delay } from '../../agent/wake.ts';
import { readPaths } from '../../config/paths.ts';
import { AgentError } from '../../core/errors.ts';
import { oneLine } from '../../core/printable-text.ts';
import type { Command } from '../../core/operator-command.ts';
import { isOut, type DrainedService, type DrainProgress } from '../../core/status/drain-progress.ts';
import { EXIT, type ExitCode } from '../../core/status/exit-code.ts';
import type { ServiceStatus, Status } from '../../core/status/status-document.ts';
import type { ExplainDocument } from '../render/explain-text.ts';
import { terminalOf, type Io } from '../streams.ts';
import { answerLines, sendCommand } from '../wiring/send-command.ts';

/** A way that a host goes: out of service, or back. */
export interface Way {
  readonly progressOf: (status: Status) => DrainProgress;
  /** Judges what `explain` observes anew: the status may be of before the command. */
  readonly canGoOn: (services: readonly DrainedService[]) => boolean;
  readonly reached: string;
  readonly turned: string;
  readonly stuck: string;
  /** What stays in force if the command is interrupted. */
  readonly interrupted: string;
}

const POLL_MS = 500;
/** An upgrade of the agent takes seconds. */
const LONGEST_AWAY_MS = 60_000;

const ask = async (io: Io, path: string, signal: AbortSignal): Promise<unknown> => {
  try {
    return await askAgent(readPaths(io.env).socketPath, 'GET', path, undefined, { signal });
  } catch (error) {
    // An agent that ends during the answer is as one that does not listen.
    const { code } = error as { code?: unknown };
    if (code === 'AGENT_NOT_RUNNING' || code === 'TIMED_OUT') return undefined;
    throw error;
  }
};

const stateOf = (s: ServiceStatus): string => `${s.outcome} ${s.reason ?? ''} ${s.until ?? ''}`;

/** Some messages have the time already, in whole seconds. */
const untilText = ({ message, until }: ServiceStatus): string =>
  until === null || message?.includes(until.slice(0, SECONDS)) === true ? '' : ` (until ${until})`;

const SECONDS = '2026-11-30T15:15:18'.length;

const textOf = (s: ServiceStatus): string => {
  if (isOut(s)) return 'stopped';
  if (s.outcome === 'converged') return s.desired === null ? 'converged' : `runs ${s.desired.version}`;
  const what = s.reason === null ? s.outcome : `${s.outcome} (${s.reason})`;
  return `${what}${s.message === null ? '' : `: ${s.message}`}${untilText(s)}`;
};

/** Writes a line for each service whose state changed; at first for those on their way. */
const createLines = (io: Io) => {
  const before = new Map<string, string>();
  return ({ services }: Status): void => {
    for (const s of services) {
      const known = before.get(s.service);
      before.set(s.service, stateOf(s));
      const isNews = known === undefined ? s.outcome === 'progressing' : known !== stateOf(s);
      if (isNews) io.stdout.write(`${oneLine(`${s.service}: ${textOf(s)}`)}\n`);
    }
  };
};

/**
 * The services that do not go on, if nothing goes on by itself, by an observation that began after the
 * command. `seen`: those that the status shows, which may be of before it.
 */
const stuckServices = async (
  io: Io,
  way: Way,
  { problems, services: own }: Status,
  seen: readonly DrainedService[],
  signal: AbortSignal,
): Promise<readonly DrainedService[] | undefined> => {
  const answer = (await ask(io, '/explain', signal)) as { document: ExplainDocument | null } | undefined;
  if (!answer) return undefined;
  // There is no document while the ledger or the files are in trouble.
  if (!answer.document) return problems.length > 0 ? seen.filter(isInTheWay) : undefined;
  const { services } = answer.document;
  if (way.canGoOn(services)) return undefined;
  // The edge may be among those seen, and a service may bear its name.
  const anew = (s: DrainedService): DrainedService =>
    own.some((o) => o === s) ? (services.find(({ service }) => service === s.service) ?? s) : s;
  return seen.map(anew).filter(isInTheWay);
};

const isInTheWay = (s: DrainedService): boolean => !isOut(s) && s.outcome !== 'converged';

const tellStuck = (io: Io, way: Way, { problems, hold }: Status, services: readonly DrainedService[]) => {
  const { palette } = terminalOf(io);
  const add = (subject: string, message: string, advice: string | null): void => {
    io.stderr.write(`${oneLine(`${subject}: ${message}`)}\n`);
    if (advice !== null && advice !== '') io.stderr.write(`  ${palette.info('→')} ${oneLine(advice)}\n`);
  };
  for (const p of problems) add(p.code.toLowerCase(), p.message, p.advice);
  if (hold?.all === true)
    add('hold', `${hold.owner} lets nothing change here: ${hold.reason}`, 'supercargo resume');
  for (const s of services) add(s.service, s.message ?? s.outcome, s.advice);
  io.stderr.write(`${way.stuck}\n`);
};

/** Shows how the host goes this way until it has arrived, cannot go on, or the signal aborts. */
const follow = async (io: Io, way: Way, signal: AbortSignal): Promise<ExitCode> => {
  const showLines = createLines(io);
  let seenAtMs: number | undefined;
  let isAway = false;
  while (!signal.aborted) {
    const status = (await ask(io, '/status', signal)) as Status | undefined;
    if (status) {
      isAway = false;
      seenAtMs = Date.now();
      showLines(status);
      const progress = way.progressOf(status);
      if (progress.kind === 'reached') {
        io.stdout.write(`${way.reached}\n`);
        return EXIT.ok;
      }
      if (progress.kind === 'turned') {
        io.stderr.write(`${way.turned}\n`);
        return EXIT.error;
      }
      const stuck =
        progress.kind === 'stuck'
          ? await stuckServices(io, way, status, progress.services, signal)
          : undefined;
      if (stuck) {
        tellStuck(io, way, status, stuck);
        return EXIT.failed;
      }
    } else if (seenAtMs === undefined || Date.now() - seenAtMs > LONGEST_AWAY_MS) {
      throw new AgentError('AGENT_NOT_RUNNING', 'no agent runs on this host, so nothing happens yet', {
        advice: 'start it (systemctl start supercargo): it goes on by itself; or use supercargo once',
      });
    } else if (!isAway) {
      isAway = true;
      io.stdout.write('the agent does not answer; it goes on once it is back\n');
    }
    await delay(POLL_MS, signal);
  }
  signal.throwIfAborted();
  return EXIT.pending;
};

/**
 * Sends the command, and follows the host until it has arrived unless `isFollowed` is false. Interrupted it
 * ends with 2 and not with 0: `supercargo drain && reboot` must not reboot then.
 */
export const goWay = async (
  io: Io,
  way: Way,
  command: Command,
  isFollowed: boolean,
  signal: AbortSignal,
): Promise<ExitCode> => {
  let isSent = false;
  try {
    answerLines(io, await sendCommand(io, command, signal));
    isSent = true;
    return isFollowed ? await follow(io, way, signal) : EXIT.ok;
  } catch (error) {
    if (!signal.aborted) throw error;
    io.stderr.write(`interrupted: ${isSent ? way.interrupted : 'see `supercargo status`'}\n`);
    return EXIT.pending;
  }
};
