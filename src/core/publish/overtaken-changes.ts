import type { FleetTotals, RunningVersion } from '../fleet/fleet-totals.ts';
import type { Manifest } from '../manifest/manifest.ts';
import { isoSeconds, type EpochMs } from '../time.ts';
import type { ReportedChange, ReportedRollout, ReportedWave } from '../turns/read-rollout.ts';
import { judgeChange } from '../turns/rollout-verdict.ts';
import { diffVersions } from './diff-manifests.ts';

/** Changes of the store that have not ended; a halted one has not. */
export const unfinishedOf = ({ changes }: ReportedRollout): readonly ReportedChange[] =>
  changes.filter((change) => judgeChange(change) !== 'finished');

/** The unfinished changes of which a publish replaces an entry: these hosts begin anew. */
export const overtakenBy = (
  rollout: ReportedRollout,
  before: Manifest | undefined,
  manifest: Manifest,
): readonly ReportedChange[] => {
  const replaced = new Set(
    diffVersions(before, manifest).flatMap(({ service, kind }) =>
      kind === 'changed' || kind === 'retried' ? [service] : [],
    ),
  );
  return unfinishedOf(rollout).filter(({ entries }) => entries.some(({ entry }) => replaced.has(entry)));
};

/** `serial 417 (web 1.2.3)` */
export const changeText = ({ entries, serial }: ReportedChange): string =>
  `serial ${String(serial)} (${entries.map(({ entry, version }) => `${entry} ${version}`).join(', ')})`;

const waveText = ({ name, openedAt, hosts, good, failed }: ReportedWave): string => {
  if (openedAt === null) return `wave ${name} has not begun`;
  if (hosts === 0) return `wave ${name} has no host`;
  if (good === hosts) return `wave ${name} is good`;
  const bad = failed.length === 0 ? '' : `, ${String(failed.length)} failed`;
  return `in wave ${name} ${String(good)} of ${String(hosts)} hosts are good${bad}`;
};

/** How far a change is: `wave canary=true is good, in wave 10% 3 of 5 hosts are good`. */
export const progressText = ({ waves, halted }: ReportedChange): string =>
  [...waves.map(waveText), ...(halted ? [`it is halted (${halted.reason})`] : [])].join(', ');

/** Hosts that still run an older version. */
export type OlderVersion = RunningVersion;

/** The versions that hosts still run in place of those of an unfinished change, by their last reports. */
export const olderVersions = (
  { entries }: ReportedChange,
  { runs }: Pick<FleetTotals, 'runs'>,
): readonly OlderVersion[] =>
  runs.filter((run) => entries.some(({ entry, version }) => entry === run.entry && version !== run.version));

const DAY_MS = 24 * 3600 * 1000;
const HOUR_MS = 3600 * 1000;
const MINUTE_MS = 60 * 1000;

const age = (ms: number): string => {
  if (ms >= 2 * DAY_MS) return `${String(Math.floor(ms / DAY_MS))} days ago`;
  if (ms >= 2 * HOUR_MS) return `${String(Math.floor(ms / HOUR_MS))} h ago`;
  return ms >= MINUTE_MS ? `${String(Math.floor(ms / MINUTE_MS))} min ago` : 'just now';
};

/** What an overtaken change leaves behind, in one sentence. */
export const overtakenText = (
  change: ReportedChange,
  oldest: (OlderVersion & { readonly publishedAtMs: EpochMs }) | undefined,
  { nowMs, isUrgent }: { readonly nowMs: EpochMs; readonly isUrgent: boolean },
): string => {
  const still =
    oldest === undefined
      ? ''
      : `; ${String(oldest.hosts)} ${oldest.hosts === 1 ? 'host still runs' : 'hosts still run'} ` +
        `${oldest.entry} ${oldest.version}, published ${age(nowMs - oldest.publishedAtMs)} ` +
        `(${isoSeconds(oldest.publishedAtMs)})`;
  const advice = isUrgent ? '' : '; with --after a publish waits for the end of the change before it';
  return `${changeText(change)} is overtaken before its end: ${progressText(change)}${still}${advice}`;
};
