import { AgentError } from '../../core/errors.ts';
import type { Manifest } from '../../core/manifest/manifest.ts';
import type { Services } from '../../core/publish/draft.ts';
import {
  isAbandoned,
  previousSerials,
  restored,
  versionsBefore,
  type Abandoned,
} from '../../core/publish/choose-versions.ts';
import type { ExitCode } from '../../core/status/exit-code.ts';
import { openSerial } from '../../publish/base-manifest.ts';
import type { EnvironmentStore } from '../../publish/environment-store.ts';
import type { Call } from '../call.ts';
import { neverGreen } from '../publishing/interrupted.ts';
import { parseBase, parseSerialFlag, type PublishFlags } from '../publishing/options.ts';
import { needCurrent, openSession, publishAndPrint, type Session } from '../publishing/publish-session.ts';
import { speedBack } from '../publishing/publish-with-pace.ts';

interface Flags extends PublishFlags {
  readonly toSerial?: string;
}

/** The largest number of serials to search. */
const MOST = 50;

/**
 * Readable manifests, the newest first. Ends at the first one that no known key signed: keys from long ago
 * may be unknown by now. Skips other unusable ones.
 */
const readHistory = async (
  view: EnvironmentStore,
  current: Manifest,
  signal: AbortSignal,
): Promise<readonly Manifest[]> => {
  // A store that cannot list gets a request for each lower serial.
  const listed = await view.serials(signal);
  const below = Array.from({ length: MOST }, (_, n) => current.serial - 1 - n).filter((n) => n > 0);
  const history = [current];
  for (const serial of previousSerials(listed ?? below, current.serial).slice(0, MOST)) {
    const opened = await view.open(serial, signal);
    if (opened?.kind === 'usable') history.push(opened.usable.manifest);
    if (opened?.kind !== 'unusable' || opened.unusable.fault !== 'signature') continue;
    // Throws a KEY error: without this manifest the versions before the current ones are unknown.
    if (history.length === 1) await view.published(serial, signal);
    break;
  }
  return history;
};

/** Hosts that take turns show which versions never got through. */
const abandonedIn = async (
  { rollouts, environment }: Session,
  { pace }: Manifest,
  signal: AbortSignal,
): Promise<readonly Abandoned[]> => {
  if (pace === undefined) return [];
  const rollout = await rollouts.status(environment, signal);
  return rollout === 'no-turns' ? [] : rollout.abandoned;
};

const findBefore = async (
  s: Session,
  current: Manifest,
  signal: AbortSignal,
): Promise<Pick<Way, 'older' | 'passedOver'>> => {
  const { view } = s;
  const abandoned = await abandonedIn(s, current, signal);
  const history = await readHistory(view, current, signal);
  const older = versionsBefore(history, abandoned);
  if (older) {
    const between = history.filter(({ serial }) => serial > older.serial && serial < current.serial);
    const passedOver = between.filter((m) => isAbandoned(m, current, abandoned)).map(({ serial }) => serial);
    return { older, passedOver };
  }
  const which = abandoned.length > 0 ? 'versions that finished on the fleet and are older' : 'versions older';
  throw new AgentError(
    'STORE',
    `${view.name} has no ${which} than those of serial ${String(current.serial)}`,
    {
      advice: 'publish the versions that you want, or name a serial with --to-serial',
    },
  );
};

interface Way {
  /** Serials between that never finished on the fleet. */
  readonly passedOver: readonly number[];
  /** The versions to publish again. */
  readonly older: Manifest;
  /** The current serial of the decision. Undefined with --to-serial, which holds for any current manifest. */
  readonly from: number | undefined;
}

const findWay = async (s: Session, toSerial: number | undefined, signal: AbortSignal): Promise<Way> => {
  const { view, flags, environment } = s;
  const adopting = { view, adopts: flags.adoptUnverified === true };
  if (toSerial !== undefined)
    return {
      older: (await openSerial(adopting, toSerial, signal)).manifest,
      passedOver: [],
      from: undefined,
    };
  const base = parseBase(flags.base);
  const current =
    base?.kind === 'serial'
      ? (await openSerial(adopting, base.serial, signal)).manifest
      : (await needCurrent(s, view, environment, signal)).manifest;
  return { ...(await findBefore(s, current, signal)), from: current.serial };
};

/**
 * Refuses if another publish came after the decision, also after a lost race, so that it is not undone
 * unseen.
 */
const goBack = ({ older, from }: Pick<Way, 'older' | 'from'>, environment: string) => {
  const seen: { serial: number | undefined } = { serial: from };
  return async (before: Manifest | undefined): Promise<Services> => {
    seen.serial ??= before?.serial;
    if (before?.serial === seen.serial) return Promise.resolve(restored(older, before));
    throw new AgentError(
      'STORE',
      `another publish came in between: serial ${String(before?.serial ?? 'none')}`,
      {
        advice: `check \`supercargo fleet ${environment}\`, and roll back again if that is still right`,
      },
    );
  };
};

const rollback = async ({ io, signal }: Call, environment: string, flags: Flags): Promise<ExitCode> => {
  const toSerial = parseSerialFlag(flags.toSerial);
  const s = await openSession(io, environment, flags);
  const way = await findWay(s, toSerial, signal);
  if (flags.json !== true) {
    const passed = way.passedOver.map(String).join(' and ');
    const note = passed === '' ? '' : `; serial ${passed} never finished, and is passed over`;
    io.stdout.write(`back to the versions of serial ${String(way.older.serial)}${note}\n`);
  }
  const speed = speedBack(way.older.serial);
  return publishAndPrint(s, { services: goBack(way, environment), named: 'all', speed }, signal);
};

export const run = neverGreen(rollback);
