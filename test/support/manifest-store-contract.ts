import { describe, expect, it } from 'vitest';
import type { ManifestStore, NewManifest } from '../../src/core/ports/manifest-store.ts';
import { contractSubjects } from './contract-subjects.ts';

export interface ManifestStoreSubject {
  readonly store: ManifestStore;
  /** Another process that opens what this one has written. */
  readonly reopen: () => Promise<ManifestStore>;
  readonly cleanup: () => Promise<void>;
}

const document = (serial: number, note = ''): Uint8Array =>
  Buffer.from(
    JSON.stringify({
      apiVersion: 'supercargo/v1',
      environment: 'staging',
      serial,
      issuedAt: '2026-11-23T10:00:00Z',
      services: { web: { image: `registry.example.com/web:${String(serial)}${note}` } },
    }),
  );

const manifest = (serial: number, epoch = 0): NewManifest => ({ serial, document: document(serial), epoch });

const isAbsent = (before: Uint8Array | undefined): boolean => before === undefined;

const textOf = (bytes: Uint8Array | undefined): string | undefined =>
  bytes && Buffer.from(bytes).toString('utf8');

/** What every store of manifests has in common, seen through the port. */
export const manifestStoreContract = (
  title: string,
  createSubject: () => Promise<ManifestStoreSubject>,
): void => {
  describe(`the port of manifests: ${title}`, () => {
    const open = contractSubjects(createSubject);

    it('has nothing at first', async () => {
      const { store } = await open();
      expect(await store.environments()).toEqual([]);
      expect(await store.read('staging')).toEqual({
        revision: 0,
        document: undefined,
        highest: 0,
        epoch: 0,
      });
      expect(await store.serials('staging')).toEqual([]);
      expect(await store.past('staging', 1)).toBeUndefined();
      expect(await store.probe('staging')).toBeUndefined();
    });

    it('gives back what was published, with its history, also to another process', async () => {
      const { store, reopen } = await open();
      const first = await store.publish('staging', manifest(4), 0);
      expect(first).toMatchObject({ revision: 1, highest: 4, epoch: 0 });
      expect(await store.publish('staging', manifest(17, 2), 1)).toMatchObject({ revision: 2, highest: 17 });
      await store.publish('production', manifest(9), 0);
      for (const each of [store, await reopen()]) {
        const read = await each.read('staging');
        expect([textOf(read.document), read.highest, read.epoch]).toEqual([textOf(document(17)), 17, 2]);
        expect(await each.environments()).toEqual(['production', 'staging']);
        expect(await each.serials('staging')).toEqual([4, 17]);
        expect(textOf(await each.past('staging', 4))).toBe(textOf(document(4)));
        expect(textOf(await each.past('staging', 17))).toBe(textOf(document(17)));
        expect(await each.past('staging', 5)).toBeUndefined();
      }
    });

    it('gives the known object back while nothing changed', async () => {
      const { store } = await open();
      await store.publish('staging', manifest(1), 0);
      const known = await store.read('staging');
      expect(await store.read('staging', known)).toBe(known);
      await store.publish('staging', manifest(2), known.revision);
      expect(await store.read('staging', known)).toMatchObject({ highest: 2 });
    });

    it('publishes nothing over another revision', async () => {
      const { store } = await open();
      expect(await store.publish('staging', manifest(1), 1)).toBe('changed');
      expect((await store.read('staging')).document).toBeUndefined();
      await store.publish('staging', manifest(1), 0);
      expect(await store.publish('staging', manifest(2), 0)).toBe('changed');
      expect(await store.publish('staging', manifest(2), 2)).toBe('changed');
      expect(await store.serials('staging')).toEqual([1]);
    });

    it('lets one of many publishes at the same moment through', async () => {
      const { store } = await open();
      const answers = await Promise.all(
        [1, 2, 3, 4, 5, 6, 7, 8].map((serial) => store.publish('staging', manifest(serial), 0)),
      );
      expect(answers.filter((answer) => answer !== 'changed')).toHaveLength(1);
      const { highest } = await store.read('staging');
      expect(await store.serials('staging')).toEqual([highest]);
    });

    it('keeps a higher epoch', async () => {
      const { store } = await open();
      await store.publish('staging', manifest(1, 3), 0);
      await store.publish('staging', manifest(2, 3), 1);
      expect((await store.read('staging')).epoch).toBe(3);
    });

    it('adds to the history what is missing, and never replaces it', async () => {
      const { store } = await open();
      await store.publish('staging', manifest(5), 0);
      expect(await store.record('staging', 3, document(3))).toBe('written');
      expect(await store.record('staging', 3, document(3, '-other'))).toBe('kept');
      expect(await store.record('staging', 5, document(5, '-other'))).toBe('kept');
      expect(await store.serials('staging')).toEqual([3, 5]);
      expect(textOf(await store.past('staging', 3))).toBe(textOf(document(3)));
      expect((await store.read('staging')).highest).toBe(5);
    });

    it('changes the probe in one step with its condition', async () => {
      const { store } = await open();
      const [one, two] = [Buffer.from('{"probe":1}'), Buffer.from('{"probe":2}')];
      const answers = await Promise.all(
        [one, two, one].map((bytes) => store.changeProbe('staging', bytes, isAbsent)),
      );
      expect(answers.filter((answer) => answer !== 'refused')).toEqual([{ before: undefined }]);
      const held = textOf(await store.probe('staging'));
      expect(held).toMatch(/probe/);
      expect(await store.changeProbe('staging', undefined, isAbsent)).toBe('refused');
      const removed = await store.changeProbe('staging', undefined, () => true);
      expect(removed === 'refused' ? removed : textOf(removed.before)).toBe(held);
      expect(await store.probe('staging')).toBeUndefined();
      expect(await store.environments()).toEqual([]);
    });
  });
};
