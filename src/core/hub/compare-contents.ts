import { AgentError } from '../errors.ts';
import { highestOf } from '../manifest/serial.ts';
import type { EnvironmentContents } from '../ports/hub-contents.ts';
import type { StoredManifests } from '../ports/manifest-store.ts';
import type { TurnState } from '../turns/turn-state.ts';

export interface Compared {
  readonly environment: string;
  readonly source: EnvironmentContents;
  readonly target: StoredManifests;
  readonly targetTurns: TurnState | undefined;
}

const refuse = (message: string, advice: string): AgentError => new AgentError('STORE', message, { advice });

const EMPTY_ADVICE =
  'nothing was changed; if no hub of that store has served it, drop its schema and migrate again; ' +
  'else go on with that store, which has more';

const uncounted = (state: TurnState): string => JSON.stringify({ ...state, revision: 0, start: null });
/** Two states that differ only by the counting of their store. */
const isSameTurns = (a: TurnState, b: TurnState): boolean => uncounted(a) === uncounted(b);

const isSame = (a: Uint8Array, b: Uint8Array): boolean => Buffer.compare(a, b) === 0;

/** The current manifest of the source. @throws AgentError STORE if it cannot be moved */
export const currentOf = (environment: string, { current, serials }: EnvironmentContents) => {
  if (!current && serials.length === 0) return undefined;
  if (current?.serial !== undefined) return { serial: current.serial, document: current.document };
  throw refuse(
    `${environment} has ${current ? 'a damaged current manifest' : 'a history and no current manifest'}`,
    `put it in order first: supercargo hub repair ${environment} --data FOLDER`,
  );
};

/** @throws AgentError STORE with what the target has that the source has not, or has otherwise */
export const refuseOther = ({ environment, source, target, targetTurns }: Compared): void => {
  const highest = highestOf([...source.serials, source.current?.serial ?? 0]);
  if (target.highest > highest)
    throw refuse(
      `${environment} is newer in the database (serial ${String(target.highest)}) than in the folder ` +
        `(${highest === 0 ? 'none' : String(highest)})`,
      'the folder must not take its place: start the hubs with that database, or name an empty one',
    );
  const { document } = target;
  if (document && !(source.current && isSame(document, source.current.document)))
    throw refuse(`the database has another current manifest of ${environment} than the folder`, EMPTY_ADVICE);
  if (document && target.epoch !== source.epoch)
    throw refuse(
      `${environment} has epoch ${String(target.epoch)} in the database, and ${String(source.epoch)} in the folder`,
      EMPTY_ADVICE,
    );
  if (targetTurns && !(source.turns && isSameTurns(targetTurns, source.turns)))
    throw refuse(`the database has other turns of ${environment} than the folder`, EMPTY_ADVICE);
};

/** @throws AgentError STORE */
export const refuseOtherPast = (
  environment: string,
  serial: number,
  inSource: Uint8Array | undefined,
  inTarget: Uint8Array | undefined,
): void => {
  if (inTarget === undefined || (inSource && isSame(inSource, inTarget))) return;
  throw refuse(
    `the database has another manifest of serial ${String(serial)} in the history of ${environment} ` +
      'than the folder',
    EMPTY_ADVICE,
  );
};

/** @throws AgentError STORE if what was read back is not what was moved */
export const requireSameTurns = (
  environment: string,
  moved: TurnState | undefined,
  readBack: TurnState | undefined,
): void => {
  if (moved === undefined || (readBack && isSameTurns(moved, readBack))) return;
  throw readBackOther(environment, 'the turns');
};

export const readBackOther = (environment: string, what: string): AgentError =>
  refuse(
    `${what} of ${environment} read back from the database differ from the folder`,
    'start no hub with that database; look into its log, and migrate again into an empty one',
  );
