import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { AgentError } from '../../../src/core/errors.ts';
import { trustInKeys } from '../../../src/cli/publishing/key-files.ts';
import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import { renderManifest } from '../../../src/core/publish/render-manifest.ts';
import { createPublisher, type Proposal } from '../../../src/publish/publisher.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { waitForFleet, type WaitOptions } from '../../../src/publish/wait-for-fleet.ts';
import type { HostReport } from '../../../src/core/fleet/host-report.ts';
import { fleetOfReports } from '../../support/fleet-of-reports.ts';
import { createMemoryStore, type MemoryStore } from '../../support/memory-store.ts';
import { hostStatus, serviceStatus } from '../../support/status.ts';
import { ENVIRONMENT, manifest, START_MS } from '../../support/world.ts';

const { signal } = new AbortController();
const { privateKey } = generateKeyPairSync('ed25519');
const terms = {
  nowMs: START_MS,
  expiresInMs: undefined,
  rollout: undefined,
  freeze: undefined,
  publisher: undefined,
};

const scene = (
  options: { store?: MemoryStore; isSingleWriter?: boolean; keys?: (typeof privateKey)[] } = {},
) => {
  const store = options.store ?? createMemoryStore();
  const keys = options.keys ?? [privateKey];
  const view = createEnvironmentStore(store, ENVIRONMENT, trustInKeys(keys));
  const publisher = createPublisher({
    store,
    environment: ENVIRONMENT,
    view,
    keys,
    isSingleWriter: options.isSingleWriter ?? false,
    isHostsTrust: false,
  });
  const publish = (image: string, change: Partial<Proposal> = {}) =>
    publisher.publish(
      {
        services: (before) =>
          Promise.resolve({
            ...before?.services,
            ...manifest({ [image.split(':')[0] ?? '']: `org/${image}` }).services,
          }),
        named: [image.split(':')[0] ?? ''],
        terms,
        serial: undefined,
        isDryRun: false,
        ...change,
      },
      signal,
    );
  return { store, view, publish };
};

const versions = (m: Manifest | undefined): readonly string[] =>
  Object.entries(m?.services ?? {}).map(([name, s]) => `${name} ${s.image.tag ?? ''}`);

const CURRENT = `manifests/${ENVIRONMENT}.json`;
const HISTORY = (serial: number): string => `manifests/${ENVIRONMENT}/${String(serial)}.json`;

describe('publishing', () => {
  it('builds upon what is published, and keeps every serial', async () => {
    const { store, view, publish } = scene();
    await publish('web:1');
    await publish('api:7');
    const current = await view.current(signal);
    expect([current?.manifest.serial, versions(current?.manifest)]).toEqual([2, ['api 7', 'web 1']]);
    expect(versions(await view.published(1, signal))).toEqual(['web 1']);
    expect(store.documents.get(HISTORY(2))).toEqual(store.documents.get(CURRENT));
  });

  it('writes nothing for a dry run', async () => {
    const { store, publish } = scene();
    expect((await publish('web:1', { isDryRun: true })).manifest.serial).toBe(1);
    expect(store.documents.size).toBe(0);
  });

  it('many at once lose no update', async () => {
    const store = createMemoryStore();
    const names = ['a', 'b', 'c', 'd', 'e'];
    await Promise.all(names.map((name) => scene({ store }).publish(`${name}:1`)));
    const { view } = scene({ store });
    const current = await view.current(signal);
    expect([current?.manifest.serial, versions(current?.manifest).toSorted()]).toEqual([
      5,
      names.map((n) => `${n} 1`),
    ]);
  });

  it('is done where its answer was lost, and where the history could not be written, which it tells', async () => {
    const kept = createMemoryStore();
    let isAway = false;
    const write: MemoryStore['write'] = async (path, bytes, condition, stop) => {
      if (isAway && path !== CURRENT) throw new AgentError('STORE', 'no space is left');
      const outcome = await kept.write(path, bytes, condition, stop);
      if (isAway) throw new AgentError('STORE', 'connection reset');
      return outcome;
    };
    const store = { ...kept, write };
    await scene({ store }).publish('web:1');
    isAway = true;
    const published = await scene({ store }).publish('web:2');
    expect(published).toMatchObject({ isWritten: true, trouble: 'no space is left' });
    isAway = false;
    expect(await scene({ store }).publish('web:3')).toMatchObject({ trouble: undefined });
    expect([1, 2, 3].map((serial) => store.documents.has(HISTORY(serial)))).toEqual([true, true, true]);
  });

  it('publishes once where its write was sent again because the answer was lost', async () => {
    const kept = createMemoryStore();
    const write: MemoryStore['write'] = async (path, bytes, condition, stop) => {
      const outcome = await kept.write(path, bytes, condition, stop);
      return path === CURRENT ? kept.write(path, bytes, condition, stop) : outcome;
    };
    const store = { ...kept, write };
    expect(await scene({ store }).publish('web:1')).toMatchObject({
      isWritten: true,
      manifest: { serial: 1 },
    });
    expect(store.documents.has(HISTORY(2))).toBe(false);
  });

  it('publishes once, though somebody built upon it before it had read it back', async () => {
    const kept = createMemoryStore();
    let isFirst = true;
    const read: MemoryStore['read'] = async (path, stop) => {
      if (path === CURRENT && isFirst && kept.documents.has(CURRENT)) {
        isFirst = false;
        await scene({ store: kept }).publish('api:1');
      }
      return kept.read(path, stop);
    };
    const store = { ...kept, read };
    expect((await scene({ store }).publish('web:1', { serial: 1 })).manifest.serial).toBe(1);
    const current = await scene({ store }).view.current(signal);
    expect([current?.manifest.serial, versions(current?.manifest)]).toEqual([2, ['api 1', 'web 1']]);
  });

  it('fails with a serial of its own where somebody was faster', async () => {
    const store = createMemoryStore();
    const both = ['a', 'b'].map((name) => scene({ store }).publish(`${name}:1`, { serial: 7 }));
    const outcomes = await Promise.allSettled(both);
    expect(outcomes.map((o) => o.status).toSorted()).toEqual(['fulfilled', 'rejected']);
    await expect(scene({ store }).publish('c:1', { serial: 7 })).rejects.toThrow(/not above 7/);
  });

  it('refuses a store that ignores conditions, before it writes anything; alone it may', async () => {
    const store = createMemoryStore();
    store.ignoresConditions = true;
    await expect(scene({ store }).publish('web:1')).rejects.toMatchObject({
      code: 'STORE',
      advice: expect.stringContaining('--single-writer'),
    });
    expect(store.documents.size).toBe(0);
    await scene({ store, isSingleWriter: true }).publish('web:1');
    expect(store.documents.has(CURRENT)).toBe(true);
  });

  it('goes above what hosts and history know of, when the store was restored from a backup', async () => {
    const { store, publish } = scene();
    await publish('web:1');
    const status = hostStatus({
      environment: ENVIRONMENT,
      manifest: { ...hostStatus().manifest, serial: 418 },
    });
    store.documents.set(`reports/${ENVIRONMENT}/web-1.json`, Buffer.from(JSON.stringify(status)));
    const published = await publish('web:2');
    expect([published.manifest.serial, published.highest, published.before?.serial]).toEqual([419, 418, 1]);
  });

  it('mends a history that a killed publisher left with a gap', async () => {
    const { store, publish } = scene();
    await publish('web:1');
    store.documents.delete(HISTORY(1));
    await publish('web:2');
    expect(store.documents.has(HISTORY(1))).toBe(true);
  });

  it('does not sign what a stranger has put there', async () => {
    const { store, publish } = scene();
    store.documents.set(CURRENT, renderManifest(manifest({ web: 'org/web:evil' }, { serial: 3 })));
    await expect(publish('api:7')).rejects.toMatchObject({
      code: 'KEY',
      advice: expect.stringContaining('--trust'),
    });
    const stranger = generateKeyPairSync('ed25519').privateKey;
    store.documents.delete(CURRENT);
    await scene({ store, keys: [stranger] }).publish('web:1');
    await expect(publish('api:7')).rejects.toMatchObject({ code: 'KEY' });
  });

  it('says what to do where the current document is broken', async () => {
    const { store, publish } = scene({ keys: [] });
    store.documents.set(CURRENT, Buffer.from('{'));
    await expect(publish('web:1')).rejects.toMatchObject({
      code: 'STORE',
      advice: expect.stringContaining('restore a good copy'),
    });
  });
});

const reportOf = (host: string, change: Parameters<typeof hostStatus>[0] = {}, seenAtMs = 0): HostReport => ({
  host,
  seenAtMs,
  status: hostStatus({ host, ...change }),
});

describe('waiting for hosts', () => {
  const target = manifest({ web: 'org/web:1.1.0' }, { serial: 418 });
  const behind = { manifest: { ...hostStatus().manifest, serial: 417 } };
  const failed = { services: [serviceStatus({ outcome: 'rolled-back' })] };

  const waitOver = async (
    looks: readonly (readonly HostReport[] | Error)[],
    change: Partial<WaitOptions> = {},
  ): Promise<{ outcome: string; changes: readonly string[]; tookMs: number }> => {
    let nowMs = 0;
    let at = 0;
    const changes: string[] = [];
    const view = {
      ...createEnvironmentStore(createMemoryStore(), ENVIRONMENT, undefined),
      fleet: fleetOfReports(
        () => {
          const look = looks[Math.min(at, looks.length - 1)] ?? [];
          at += 1;
          if (look instanceof Error) throw look;
          return look.map((r) => ({ ...r, seenAtMs: nowMs - r.seenAtMs }));
        },
        () => nowMs,
      ),
    };
    const clock = {
      now: () => nowMs,
      sleep: async (ms: number) => {
        nowMs += ms;
        return Promise.resolve();
      },
    };
    const options: WaitOptions = {
      target,
      hosts: undefined,
      timeoutMs: 10_000,
      maxFailed: 0,
      which: 'all',
      onPoll: ({ changed = [] }) => void changes.push(...changed.map((c) => `${c.host} ${c.verdict.kind}`)),
      ...change,
    };
    const { outcome } = await waitForFleet(view, options, clock, signal);
    return { outcome, changes, tookMs: nowMs };
  };

  it('ends when the last one runs it, and tells each change once', async () => {
    const looks = [
      [reportOf('a', behind), reportOf('b')],
      [reportOf('a', behind), reportOf('b')],
      [reportOf('a'), reportOf('b')],
    ];
    expect(await waitOver(looks)).toEqual({
      outcome: 'converged',
      changes: ['a pending', 'b converged', 'a converged'],
      tookMs: 2_000,
    });
  });

  it('ends as soon as too many have failed, though others are not ready', async () => {
    const looks = [[reportOf('a', behind), reportOf('b', failed)]];
    expect((await waitOver(looks)).outcome).toBe('failed');
    expect((await waitOver([[reportOf('a'), reportOf('b', failed)]], { maxFailed: 1 })).outcome).toBe(
      'converged',
    );
  });

  it('ends at its time, with hosts that never reported', async () => {
    const over = await waitOver([[reportOf('a')]], { hosts: ['a', 'b'] });
    expect([over.outcome, over.tookMs]).toEqual(['timed-out', 10_000]);
    expect(over.changes).toContain('b silent');
    expect((await waitOver([[]])).outcome).toBe('timed-out');
  });

  it('outlives a store that is away for a while', async () => {
    expect((await waitOver([new Error('away'), new Error('away'), [reportOf('a')]])).outcome).toBe(
      'converged',
    );
    expect((await waitOver([new Error('away')])).outcome).toBe('timed-out');
  });

  it('ends when somebody published another version', async () => {
    const other = {
      manifest: { ...hostStatus().manifest, serial: 419 },
      services: [serviceStatus({ desired: { version: '2', release: 'x' } })],
    };
    expect((await waitOver([[reportOf('a', other)]])).outcome).toBe('superseded');
  });
});
