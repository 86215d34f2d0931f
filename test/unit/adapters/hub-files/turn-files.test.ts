import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { openHubFiles } from '../../../../src/adapters/hub-files/hub-files.ts';
import { createTurnFiles } from '../../../../src/adapters/hub-files/turn-files.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import type { HubFiles } from '../../../../src/core/ports/hub-files.ts';
import { createMemoryTurns } from '../../../support/memory-turns.ts';
import { fullTurnState } from '../../../support/turn-state.ts';
import { turnStoreContract, type TurnStoreSubject } from '../../../support/turn-store-contract.ts';

interface Subject extends TurnStoreSubject {
  readonly folder: string;
  readonly files: HubFiles;
}

const createSubject = async (): Promise<Subject> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-turns-'));
  const files = await openHubFiles(folder);
  return {
    folder,
    files,
    store: createTurnFiles(files),
    reopen: async () => Promise.resolve(createTurnFiles(files)),
    cleanup: async () => {
      await files.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

turnStoreContract('files', createSubject);
turnStoreContract('memory', async () => {
  const store = createMemoryTurns();
  return Promise.resolve({
    store,
    reopen: async () => Promise.resolve(store),
    cleanup: async () => Promise.resolve(),
  });
});

describe('a file of turns', () => {
  const subjects: Subject[] = [];
  const open = async (): Promise<Subject> => {
    const subject = await createSubject();
    subjects.push(subject);
    return subject;
  };
  afterEach(async () => {
    await Promise.all(subjects.splice(0).map((each) => each.cleanup()));
  });

  const whole = JSON.stringify(fullTurnState('staging', { revision: 1 }));
  it.each([
    ['empty', '', /JSON/],
    ['cut off', whole.slice(0, 200), /JSON/],
    [
      'of another environment',
      JSON.stringify(fullTurnState('other', { revision: 1 })),
      /another environment/,
    ],
    ['with an unknown member', whole.replace('{', '{"more":1,'), /more is not a known key/],
    ['without a list', whole.replace('"jammed"', '"jam"'), /is missing|not a known key/],
    ['with a wrong type', whole.replace('"serial":418', '"serial":"418"'), /serial/],
    ['with a reserved name', whole.replace('"web-9"', '"constructor"'), /reserved/],
  ])('that is %s is an error that names the file, and is never written over', async (_what, content, why) => {
    const { folder, store } = await open();
    await writeFile(join(folder, 'turns/staging.json'), content);
    const error: unknown = await store.read('staging').catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/^turns\/staging\.json is damaged/),
      advice: expect.stringContaining('restore it from a backup'),
    });
    expect(error).toHaveProperty('message', expect.stringMatching(why));
    await expect(store.write('staging', fullTurnState('staging'), 0)).rejects.toThrow(/is damaged/);
  });

  it('counts again once it was restored', async () => {
    const { folder, store } = await open();
    await writeFile(join(folder, 'turns/staging.json'), '{');
    await expect(store.read('staging')).rejects.toThrow(/is damaged/);
    await writeFile(join(folder, 'turns/staging.json'), whole);
    expect(await store.read('staging')).toMatchObject({ revision: 1, serial: 418 });
  });

  it('is read again after a write that failed, because it may be there nevertheless', async () => {
    const { files } = await open();
    let isBroken = false;
    const store = createTurnFiles({
      ...files,
      apply: async (changes) => {
        const results = await files.apply(changes);
        return isBroken ? results.map(() => new AgentError('STORE', 'cannot sync turns')) : results;
      },
    });
    await store.write('staging', fullTurnState('staging'), 0);
    isBroken = true;
    await expect(store.write('staging', fullTurnState('staging', { serial: 419 }), 1)).rejects.toThrow(
      /sync/,
    );
    isBroken = false;
    expect(await store.read('staging')).toMatchObject({ revision: 2, serial: 419 });
  });
});
