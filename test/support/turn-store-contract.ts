import { describe, expect, it } from 'vitest';
import type { TurnStore } from '../../src/core/ports/turn-store.ts';
import { fullTurnState } from './turn-state.ts';
import { contractSubjects } from './contract-subjects.ts';

export interface TurnStoreSubject {
  readonly store: TurnStore;
  /** Another process that opens what this one has written. */
  readonly reopen: () => Promise<TurnStore>;
  readonly cleanup: () => Promise<void>;
}

/** What every store of turns has in common, seen through the port. */
export const turnStoreContract = (title: string, createSubject: () => Promise<TurnStoreSubject>): void => {
  describe(`the port of turns: ${title}`, () => {
    const open = contractSubjects(createSubject);

    it('has nothing at first', async () => {
      const { store } = await open();
      expect(await store.read('staging')).toBeUndefined();
      expect(await store.environments()).toEqual([]);
    });

    it('gives back what was written, with the next revision, also to another process', async () => {
      const { store, reopen } = await open();
      const state = fullTurnState('staging');
      expect(await store.write('staging', state, 0)).toBe('written');
      expect(await store.read('staging')).toEqual({ ...state, revision: 1 });
      expect(await store.write('staging', { ...state, serial: 419 }, 1)).toBe('written');
      expect(await (await reopen()).read('staging')).toEqual({ ...state, serial: 419, revision: 2 });
    });

    it('writes nothing over another revision, older or newer', async () => {
      const { store } = await open();
      const state = fullTurnState('staging');
      expect(await store.write('staging', state, 1)).toBe('changed');
      expect(await store.read('staging')).toBeUndefined();
      await store.write('staging', state, 0);
      expect(await store.write('staging', { ...state, serial: 420 }, 0)).toBe('changed');
      expect(await store.write('staging', { ...state, serial: 420 }, 2)).toBe('changed');
      expect(await store.read('staging')).toEqual({ ...state, revision: 1 });
    });

    it('lets one of many writers at the same moment through', async () => {
      const { store } = await open();
      const serials = Array.from({ length: 20 }, (_, at) => at + 1);
      const answers = await Promise.all(
        serials.map((serial) => store.write('staging', fullTurnState('staging', { serial }), 0)),
      );
      expect(answers.filter((answer) => answer === 'written')).toHaveLength(1);
      expect(await store.read('staging')).toMatchObject({
        revision: 1,
        serial: serials[answers.indexOf('written')],
      });
    });

    it('keeps environments apart, and lists them by name', async () => {
      const { store } = await open();
      await store.write('staging', fullTurnState('staging'), 0);
      await store.write('production', fullTurnState('production', { serial: 7 }), 0);
      expect(await store.environments()).toEqual(['production', 'staging']);
      expect(await store.read('production')).toMatchObject({ environment: 'production', serial: 7 });
      expect(await store.read('staging')).toMatchObject({ environment: 'staging', serial: 418 });
    });
  });
};
