import type { Manifest } from '../../core/manifest/manifest.ts';
import type { EpochMs } from '../../core/time.ts';
import { followManifest, newTurnState, type TurnState } from '../../core/turns/rules.ts';
import { readStored, type CurrentManifest } from '../manifests/current-manifest.ts';
import type { Manifests } from '../manifests/manifests.ts';

type History = Pick<Manifests, 'serials' | 'past'>;

/** How far a hub without a state looks back for the manifest before the first one with a pace. */
const MOST_PACED = 100;

/** Whether hosts take turns by this manifest. */
export const hasPace = (current: CurrentManifest | undefined, environment: string): boolean =>
  current !== undefined && readStored(current.bytes, environment)?.pace !== undefined;

/** The manifests of an environment, as they were when the newest one was read. */
interface Seen {
  readonly history: History;
  readonly environment: string;
  readonly newest: CurrentManifest;
}

/** The manifest of one serial; the history may still miss the current one. Undefined if it is damaged. */
const readSerial = async (
  { history, environment, newest }: Seen,
  serial: number,
): Promise<Manifest | undefined> => {
  const document = newest.serial === serial ? newest : await history.past(environment, serial);
  const manifest = document && readStored(document.bytes, environment);
  return manifest?.serial === serial ? manifest : undefined;
};

/** The last manifest without a pace, by which the next one is compared, and all after it. */
const paced = async (seen: Seen, serials: readonly number[]): Promise<readonly Manifest[]> => {
  const found: Manifest[] = [];
  for (const serial of serials.toReversed()) {
    const manifest = await readSerial(seen, serial);
    if (!manifest) continue;
    if (found.length === MOST_PACED) return [{ ...manifest, pace: undefined, urgent: undefined }, ...found];
    found.unshift(manifest);
    if (!manifest.pace) break;
  }
  return found;
};

/**
 * The state before a manifest that came back: `hub repair` sets newer ones aside. Entries of changes that are
 * gone, or that begin anew, belong to the change that this manifest makes.
 */
const goBack = (state: TurnState, serial: number): TurnState => {
  const gone = state.changes.filter((change) => change.serial >= serial);
  const names = new Set(gone.flatMap(({ entries }) => Object.keys(entries)));
  return {
    ...state,
    serial: serial - 1,
    entries: Object.fromEntries(Object.entries(state.entries).filter(([name]) => !names.has(name))),
    changes: state.changes.filter((change) => change.serial < serial),
  };
};

/**
 * The state after every manifest that it has not followed yet, one serial after the other: a hub may have
 * been killed between a publish and the change that the publish makes. The newest manifest is read after the
 * state, or a copy that is older than the state would look like a repair. Without a state it begins with the
 * manifest before the first one with a pace. @throws AgentError STORE
 */
export const followManifests = async (
  history: History & Pick<Manifests, 'read'>,
  environment: string,
  stored: TurnState | undefined,
  nowMs: EpochMs,
): Promise<TurnState> => {
  const known = stored ?? newTurnState(environment);
  const current = await history.read(environment);
  const newest = current?.serial;
  if (current === undefined || newest === undefined || newest === known.serial) return known;
  const state = newest < known.serial ? goBack(known, newest) : known;
  const serials = [...new Set([...(await history.serials(environment)), newest])]
    .filter((serial) => serial > state.serial && serial <= newest)
    .toSorted((a, b) => a - b);
  const seen: Seen = { history, environment, newest: current };
  if (stored === undefined)
    return (await paced(seen, serials)).reduce(
      (next, manifest) => followManifest(next, manifest, nowMs),
      state,
    );
  let next = state;
  for (const serial of serials) {
    const manifest = await readSerial(seen, serial);
    if (manifest) next = followManifest(next, manifest, nowMs);
  }
  return next;
};
