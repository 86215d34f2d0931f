import { mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { openFleetFiles } from '../../../../src/adapters/hub-files/fleet-files.ts';
import { openHubFiles } from '../../../../src/adapters/hub-files/hub-files.ts';
import { AgentError } from '../../../../src/core/errors.ts';
import type { FleetStore } from '../../../../src/core/ports/fleet-store.ts';
import type { HubFiles } from '../../../../src/core/ports/hub-files.ts';
import {
  fleetStoreContract,
  newReport,
  type FleetStoreSubject,
} from '../../../support/fleet-store-contract.ts';

const LIMITS = { hosts: 9, environments: 9 };

interface Subject extends FleetStoreSubject {
  readonly folder: string;
  readonly news: readonly string[];
  readonly open: (withTurns?: readonly string[], disk?: (files: HubFiles) => HubFiles) => Promise<FleetStore>;
  readonly clock: { ms: number };
}

const createSubject = async (): Promise<Subject> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-fleets-'));
  const files = await openHubFiles(folder);
  const clock = { ms: Date.now() };
  const news: string[] = [];
  const open: Subject['open'] = (withTurns = [], disk = (given) => given) =>
    openFleetFiles({
      files: disk(files),
      now: () => clock.ms,
      withTurns,
      onNews: (environment) => void news.push(environment),
    });
  const store = await open();
  return {
    folder,
    news,
    clock,
    open,
    store,
    second: async () => Promise.resolve(store),
    nextLife: open,
    advance: async (ms) => {
      clock.ms += ms;
      return Promise.resolve();
    },
    cleanup: async () => {
      await files.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
};

fleetStoreContract('files', createSubject, { hasRuns: false, hasClock: true });

const subject = async (): Promise<Subject> => {
  const made = await createSubject();
  onTestFinished(made.cleanup);
  return made;
};

describe('reports in files', () => {
  it('are on disk when they are taken, and removed when that is acknowledged', async () => {
    const { store, folder, news } = await subject();
    const report = newReport('web-1');
    await store.take('staging', report, LIMITS);
    const path = join(folder, 'reports/staging/web-1.json');
    expect((await readFile(path)).equals(report.bytes)).toBe(true);
    await store.beat('staging', { host: 'web-1', tag: report.tag, seq: null });
    await store.remove('staging', 'web-1');
    expect(await readdir(join(folder, 'reports/staging'))).toEqual([]);
    expect(news).toEqual(['staging', 'staging', 'staging']);
  });

  it('are seen before they are on disk, and fail where the disk does', async () => {
    const { open, news } = await subject();
    const gate = Promise.withResolvers<void>();
    const store = await open([], (files) => ({
      ...files,
      apply: async (changes) => {
        await gate.promise;
        return changes.map(() => new AgentError('STORE', 'no space is left'));
      },
    }));
    const taken = store.take('staging', newReport('web-1'), LIMITS);
    expect(news).toEqual(['staging']);
    expect((await store.changes('staging', undefined)).changes).toHaveLength(1);
    gate.resolve();
    await expect(taken).rejects.toThrow('no space is left');
  });

  it('are those of the start in a new life, with the time of their file', async () => {
    const { store, open, clock, folder } = await subject();
    const startMs = clock.ms;
    await store.take('staging', newReport('web-1'), LIMITS);
    await store.take('staging', newReport('web-2'), LIMITS);
    clock.ms += 60_000;
    const { tag } = newReport('web-1');
    expect(await store.beat('staging', { host: 'web-1', tag, seq: null })).toBe('taken');
    const { mtimeMs } = await stat(join(folder, 'reports/staging/web-1.json'));
    expect(Math.abs(mtimeMs - clock.ms)).toBeLessThan(2);
    const old = new Date(startMs - 600_000);
    await utimes(join(folder, 'reports/staging/web-2.json'), old, old);
    await writeFile(join(folder, 'reports/staging/web-9.json'), 'not a report');
    const { hearing, changes } = await (await open(['staging'])).changes('staging', undefined);
    expect(hearing).toMatchObject({
      revision: 2,
      heardMs: 0,
      atMs: clock.ms,
      run: 1,
      runBeganMs: clock.ms,
      hasLostReports: false,
    });
    expect(Math.abs(hearing.beforeRunMs - clock.ms)).toBeLessThan(2);
    expect(changes.map(({ host, run }) => [host, run])).toEqual([
      ['web-1', 0],
      ['web-2', 0],
    ]);
  });

  it('are forgotten where the environment has turns and the start finds none', async () => {
    const { open } = await subject();
    const store = await open(['staging']);
    expect((await store.changes('staging', undefined)).hearing).toMatchObject({
      hasLostReports: true,
      beforeRunMs: 0,
    });
    expect((await store.changes('production', undefined)).hearing.hasLostReports).toBe(false);
    await store.take('staging', newReport('web-1'), LIMITS);
    expect((await store.changes('staging', undefined)).hearing.hasLostReports).toBe(true);
  });

  it('are asked for again by a heartbeat whose file is lost', async () => {
    const { store, folder } = await subject();
    const report = newReport('web-1');
    await store.take('staging', report, LIMITS);
    await rm(join(folder, 'reports/staging/web-1.json'));
    expect(await store.beat('staging', { host: 'web-1', tag: report.tag, seq: null })).toBe('unknown');
  });

  it('miss no change after many others of few hosts', async () => {
    const { store } = await subject();
    const [first, second] = [newReport('web-1'), newReport('web-2')];
    await store.take('staging', first, LIMITS);
    await store.take('staging', second, LIMITS);
    const { hearing } = await store.changes('staging', undefined);
    for (let beat = 0; beat < 3000; beat += 1)
      await store.beat('staging', { host: 'web-1', tag: first.tag, seq: null });
    const { changes } = await store.changes('staging', hearing);
    expect(changes.map(({ kind, host }) => [kind, host])).toEqual([['heartbeat', 'web-1']]);
    expect((await store.changes('staging', undefined)).changes).toHaveLength(2);
  });
});
