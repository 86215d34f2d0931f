import { AgentError } from '../../core/errors.ts';
import { TURNS_FOLDER, turnsPath } from '../../core/fleet/store-layout.ts';
import { environmentOfFile } from '../../core/hub/file-names.ts';
import { createOneAtATime } from '../../core/one-at-a-time.ts';
import type { HubFiles } from '../../core/ports/hub-files.ts';
import type { TurnStore } from '../../core/ports/turn-store.ts';
import { readTurnState } from '../../core/turns/turn-state-schema.ts';
import type { TurnState } from '../../core/turns/turn-state.ts';

const damagedFile = (path: string, message: string): AgentError =>
  new AgentError('STORE', `${path} is damaged, so that no turns are handed out: ${message}`, {
    advice:
      'restore it from a backup; or remove it, which forgets halts, left-out hosts and open turns, and lets ' +
      'the changes since the last manifest without a pace begin anew',
  });

/**
 * Turns in files of a hub, one for each environment. The hub's lock makes this process the only writer, so
 * that what it wrote last is what is stored: a file is read once.
 */
export const createTurnFiles = (files: Pick<HubFiles, 'read' | 'list' | 'apply'>): TurnStore => {
  const known = new Map<string, TurnState | undefined>();
  const inTurn = createOneAtATime();
  const load = async (environment: string): Promise<TurnState | undefined> => {
    if (known.has(environment)) return known.get(environment);
    const path = turnsPath(environment);
    const bytes = await files.read(path);
    const read = bytes && readTurnState(bytes, environment);
    if (read?.kind === 'damaged') throw damagedFile(path, read.message);
    known.set(environment, read?.state);
    return read?.state;
  };
  const write = async (
    environment: string,
    state: TurnState,
    expectedRevision: number,
  ): Promise<'written' | 'changed'> => {
    const before = await load(environment);
    if ((before?.revision ?? 0) !== expectedRevision) return 'changed';
    const next = { ...state, revision: expectedRevision + 1 };
    const bytes = Buffer.from(`${JSON.stringify(next)}\n`);
    const [failure] = await files.apply([{ path: turnsPath(environment), bytes }]);
    if (failure) {
      // The write may have succeeded and only the sync failed, so the disk is read again.
      known.delete(environment);
      throw failure;
    }
    known.set(environment, next);
    return 'written';
  };
  return {
    read: (environment) => inTurn(environment, () => load(environment)),
    write: (environment, state, expectedRevision) =>
      inTurn(environment, () => write(environment, state, expectedRevision)),
    environments: async () =>
      (await files.list(TURNS_FOLDER)).flatMap(({ name, kind }) =>
        kind === 'file' ? (environmentOfFile(name) ?? []) : [],
      ),
  };
};
