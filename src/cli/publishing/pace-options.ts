import { AgentError } from '../../core/errors.ts';
import { parseDuration } from '../../core/duration.ts';
import { parseLabels } from '../../core/fleet/host-labels.ts';
import { DEFAULT_PACE, type Pace } from '../../core/manifest/pace.ts';
import { parsePace } from '../../core/manifest/pace-schema.ts';
import { writtenPace } from '../../core/manifest/written-pace.ts';

/** The options of `supercargo pace` that say how fast. */
export interface PaceFlags {
  readonly maxParallel?: string;
  readonly waves?: string;
  readonly soak?: string;
  readonly haltAfter?: string;
  readonly turnTime?: string;
  readonly none?: boolean;
}

const usage = (message: string, advice: string): AgentError => new AgentError('USAGE', message, { advice });

/** `2` is a number of hosts, `10%` a share; anything else is refused by its reader. */
const amountIn = (text: string | undefined): number | string | undefined =>
  text !== undefined && /^\d{1,7}$/.test(text) ? Number(text) : text;

/** The reader of a pace knows the limits. */
const secondsIn = (option: string, text: string | undefined): number | undefined => {
  if (text === undefined) return undefined;
  const ms = text === '0' ? 0 : parseDuration(text, ['s', 'm', 'h', 'd']);
  if (ms !== undefined && ms % 1000 === 0) return ms / 1000;
  throw usage(`${option} "${text}" is not a duration`, 'write it like 90s, 30m, 2h or 1h30m');
};

const WAVES_ADVICE =
  'write shares and labels in the order in which hosts begin: --waves canary=true,10%,100%; ' +
  'a wave with several labels as zone=a+canary=true';

const waveIn = (text: string): unknown => {
  if (text.endsWith('%')) return { share: text };
  const parsed = parseLabels(text.replaceAll('+', ','));
  if (parsed.kind === 'labels') return { labels: parsed.labels };
  throw usage(`--waves "${text}" is neither a share like 10% nor labels: it ${parsed.message}`, WAVES_ADVICE);
};

const wavesIn = (text: string | undefined): readonly unknown[] | undefined =>
  text?.split(',').map((wave) => waveIn(wave.trim()));

/** A share that is no larger than one before it would be a wave without a new host. */
const refuseShrinking = ({ waves }: Pace): void => {
  const shares = waves.flatMap((wave) => ('percent' in wave ? [wave.percent] : []));
  const at = shares.findIndex((share, index) => index > 0 && share <= (shares[index - 1] ?? 0));
  if (at < 0) return;
  throw usage(
    `--waves has ${String(shares[at])}% after ${String(shares[at - 1])}%: no host would be new in it`,
    'write shares that grow, like 10%,50%,100%: each counts the hosts of those before it too',
  );
};

const OPTION_OF: Readonly<Record<string, string>> = {
  maxParallel: '--max-parallel',
  waves: '--waves',
  soakSeconds: '--soak',
  haltAfter: '--halt-after',
  turnSeconds: '--turn-time',
};

const CHANGING = ['maxParallel', 'waves', 'soak', 'haltAfter', 'turnTime'] as const;

/** Whether the options ask for another pace. @throws AgentError USAGE if they contradict each other */
export const hasPaceOptions = (flags: PaceFlags): boolean => {
  const isChanging = CHANGING.some((name) => flags[name] !== undefined);
  if (isChanging && flags.none === true)
    throw usage('--none ends the pace, and stands alone', 'leave it out, or leave the other options out');
  return isChanging || flags.none === true;
};

/**
 * The present pace with the options in place of its members; undefined with `--none`.
 * @throws AgentError USAGE
 */
export const paceFrom = (flags: PaceFlags, present: Pace | undefined): Pace | undefined => {
  if (flags.none === true) return undefined;
  const given = {
    maxParallel: amountIn(flags.maxParallel),
    waves: wavesIn(flags.waves),
    soakSeconds: secondsIn('--soak', flags.soak),
    haltAfter: amountIn(flags.haltAfter),
    turnSeconds: secondsIn('--turn-time', flags.turnTime),
  };
  const members = Object.entries(given).filter(([, value]) => value !== undefined);
  const parsed = parsePace({ ...writtenPace(present ?? DEFAULT_PACE), ...Object.fromEntries(members) });
  if (parsed.kind === 'problems') {
    const [{ path, message }] = parsed.problems;
    const [member = '', ...within] = path.split('.');
    const place = within[0] === undefined ? '' : ` (wave ${String(Number(within[0]) + 1)})`;
    throw usage(
      `${OPTION_OF[member] ?? member}${place} ${message}`,
      member === 'waves' ? WAVES_ADVICE : 'see `supercargo pace --help`',
    );
  }
  refuseShrinking(parsed.pace);
  return parsed.pace;
};
