import { AgentError } from '../core/errors.ts';
import { versionOf } from '../core/image/image-version.ts';
import type { Manifest } from '../core/manifest/manifest.ts';
import type { Rollouts } from '../core/ports/rollouts.ts';
import { previousSerials } from '../core/publish/choose-versions.ts';
import {
  changeText,
  olderVersions,
  overtakenBy,
  overtakenText,
  unfinishedOf,
  type OlderVersion,
} from '../core/publish/overtaken-changes.ts';
import { diffVersions } from '../core/publish/diff-manifests.ts';
import { refuseUnfit, refuseWithoutTurns, unfitFor, unfitText } from '../core/publish/pace-checks.ts';
import type { EpochMs } from '../core/time.ts';
import type { ReportedChange, ReportedRollout } from '../core/turns/read-rollout.ts';
import type { EnvironmentStore } from './environment-store.ts';
import type { Draft } from './publisher.ts';

export interface PaceCheckOptions {
  readonly view: EnvironmentStore;
  readonly rollouts: Rollouts;
  /** Publishes although hosts cannot follow, or although a change would be cut off. */
  readonly isForced: boolean;
  readonly now: () => EpochMs;
}

export interface CheckedPace {
  /** Unfinished changes that the publish would overtake. */
  readonly overtaken: readonly ReportedChange[];
  readonly remarks: readonly string[];
}

/** The largest number of serials to search for an older version. */
const MOST = 50;

/** The version among `older` that was published first, in a search from serial `below` downwards. */
const findOldest = async (
  view: EnvironmentStore,
  older: readonly OlderVersion[],
  below: number,
  signal: AbortSignal,
): Promise<(OlderVersion & { readonly publishedAtMs: EpochMs }) | undefined> => {
  if (older.length === 0) return undefined;
  const serials = previousSerials((await view.serials(signal)) ?? [], below).slice(0, MOST);
  const found = new Map<OlderVersion, EpochMs>();
  for (const serial of serials) {
    const opened = await view.open(serial, signal);
    if (opened?.kind !== 'usable') continue;
    const { services, issuedAtMs } = opened.usable.manifest;
    const current = older.filter(({ entry, version }) => {
      const service = services[entry];
      return service !== undefined && versionOf(service.image) === version;
    });
    if (current.length === 0 && found.size === older.length) break;
    for (const version of current) found.set(version, issuedAtMs);
  }
  const [first] = [...found].toSorted(([, a], [, b]) => a - b);
  return first && { ...first[0], publishedAtMs: first[1] };
};

/** @throws AgentError STORE if the manifest ends the pace under a change, as the hub does too */
const refuseCuttingOff = (
  unfinished: readonly ReportedChange[],
  environment: string,
  isForced: boolean,
): readonly string[] => {
  if (unfinished.length === 0) return [];
  const what = unfinished.map(changeText).join('; ');
  if (isForced) return [`without a pace nothing holds back the hosts that have not switched yet to ${what}`];
  throw new AgentError('STORE', `this manifest has no pace, and a change is unfinished: ${what}`, {
    advice:
      `see \`supercargo rollout status ${environment}\` and wait for its end; ` +
      'with --anyway all hosts that have not switched yet do so at once',
  });
};

/** What is urgent passes the halt of a person. */
const haltText = (
  { halt }: ReportedRollout,
  before: Manifest | undefined,
  manifest: Manifest,
): readonly string[] => {
  const isStopped =
    manifest.urgent === undefined &&
    diffVersions(before, manifest).some(({ kind }) => kind === 'changed' || kind === 'retried');
  if (halt === null || !isStopped) return [];
  const { environment } = manifest;
  const resume = `supercargo rollout resume ${environment} --reason …`;
  return [`${environment} is halted by ${halt.by}: ${halt.reason}; no host begins this before ${resume}`];
};

/**
 * Asks the store and the reports whether the fleet can follow the manifest. Without a pace before and now it
 * asks the store nothing.
 * @throws AgentError STORE if it cannot, or if the store is unreachable
 */
export const checkPace = async (
  { view, rollouts, isForced, now }: PaceCheckOptions,
  { before, manifest, fleet }: Draft,
  signal: AbortSignal,
): Promise<CheckedPace> => {
  const { environment, pace } = manifest;
  const isFirst = before?.pace === undefined;
  const nowMs = now();
  const unfit = unfitFor(manifest, fleet);
  if (pace === undefined && isFirst) return { overtaken: [], remarks: unfit.map(unfitText) };
  const rollout = await rollouts.status(environment, signal);
  if (rollout === 'no-turns') {
    if (pace !== undefined) refuseWithoutTurns(view.name, manifest, isFirst);
    return { overtaken: [], remarks: [] };
  }
  if (pace === undefined)
    return { overtaken: [], remarks: refuseCuttingOff(unfinishedOf(rollout), environment, isForced) };
  if (isFirst && !isForced) refuseUnfit(unfit);
  const overtaken = overtakenBy(rollout, before, manifest);
  const remarks = [...unfit.map(unfitText), ...haltText(rollout, before, manifest)];
  for (const change of overtaken) {
    const older = olderVersions(change, fleet);
    const oldest = await findOldest(view, older, change.serial, signal);
    remarks.push(overtakenText(change, oldest, { nowMs, isUrgent: manifest.urgent !== undefined }));
  }
  return { overtaken, remarks };
};
