import type { Manifest } from '../manifest/manifest.ts';
import { amountText, waveName, type Amount, type Pace, type Wave } from '../manifest/pace.ts';

const UNITS: readonly (readonly [number, string, string])[] = [
  [24 * 3600, 'd', 'd'],
  [3600, 'h', 'h'],
  [60, 'min', 'm'],
];

/** In the largest unit of which it is a whole number: `90 min`, `5 s`. */
const exactTime = (seconds: number): string => {
  const [size, unit] = UNITS.find(([s]) => seconds >= s && seconds % s === 0) ?? [1, 's'];
  return `${String(seconds / size)} ${unit}`;
};

/** As a duration option takes it: `90m`, `5s`. */
const timeOption = (seconds: number): string => {
  const [size, , unit] = UNITS.find(([s]) => seconds >= s && seconds % s === 0) ?? [1, '', 's'];
  return `${String(seconds / size)}${unit}`;
};

const hostsText = (amount: Amount): string => {
  if ('percent' in amount) return `${amountText(amount)} of the hosts`;
  return amount.hosts === 1 ? '1 host' : `${String(amount.hosts)} hosts`;
};

const haltText = (amount: Amount): string =>
  'hosts' in amount && amount.hosts === 0
    ? 'it halts at the first failed host'
    : `it halts when more than ${hostsText(amount)} failed`;

const wavesText = (waves: readonly Wave[]): string =>
  waves
    .map((wave) => ('percent' in wave ? `${waveName(wave)} of the hosts` : waveName(wave)))
    .join(', then ');

/** Each member in words. */
const MEMBERS: readonly ((pace: Pace) => string)[] = [
  ({ maxParallel }) => `${hostsText(maxParallel)} at a time`,
  ({ waves }) => `waves: ${wavesText(waves)}`,
  ({ soakSeconds }) => (soakSeconds === 0 ? 'no soak after a wave' : `a soak of ${exactTime(soakSeconds)}`),
  ({ haltAfter }) => haltText(haltAfter),
  ({ turnSeconds }) => `a host with a turn is lost after ${exactTime(turnSeconds)} of silence`,
];

/** What a publish changes in the pace, in sentences. */
export const diffPace = (
  before: Pick<Manifest, 'pace'> | undefined,
  after: Pick<Manifest, 'pace'>,
): readonly string[] => {
  const [from, to] = [before?.pace, after.pace];
  if (to === undefined) return from ? ['the pace ends: from now on each host switches when it is ready'] : [];
  if (from === undefined) return [`a pace begins: ${MEMBERS.map((member) => member(to)).join('; ')}`];
  const changed = MEMBERS.flatMap((member) =>
    member(from) === member(to) ? [] : [`the pace changes: ${member(to)} (before: ${member(from)})`],
  );
  const isOfChanges = MEMBERS.slice(1, 4).some((member) => member(from) !== member(to));
  return isOfChanges
    ? [...changed, 'a change that has begun keeps its waves, its soak and its limit of failures']
    : changed;
};

/** A wave as `pace --waves` takes it: `10%` or `zone=a+canary=true`. */
const waveOption = (wave: Wave): string => waveName(wave).replaceAll(',', '+');

/** The options of `supercargo pace` that set this pace. */
export const paceOptions = (pace: Pace): string =>
  [
    `--max-parallel ${amountText(pace.maxParallel)}`,
    `--waves ${pace.waves.map(waveOption).join(',')}`,
    `--soak ${timeOption(pace.soakSeconds)}`,
    `--halt-after ${amountText(pace.haltAfter)}`,
    `--turn-time ${timeOption(pace.turnSeconds)}`,
  ].join(' ');

/** The pace in lines, for people. */
export const paceLines = (pace: Pace): readonly string[] => MEMBERS.map((member) => member(pace));
