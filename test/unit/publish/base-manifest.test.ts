import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { trustInKeys } from '../../../src/cli/publishing/key-files.ts';
import { seal } from '../../../src/core/manifest/seal.ts';
import { DEFAULT_PACE } from '../../../src/core/manifest/pace.ts';
import type { Manifest } from '../../../src/core/manifest/manifest.ts';
import { renderManifest } from '../../../src/core/publish/render-manifest.ts';
import { createPublisher, type Proposal, type Published } from '../../../src/publish/publisher.ts';
import { createEnvironmentStore } from '../../../src/publish/environment-store.ts';
import { createMemoryStore, type MemoryStore } from '../../support/memory-store.ts';
import { hostStatus } from '../../support/status.ts';
import { ENVIRONMENT, manifest, START_MS } from '../../support/world.ts';

const { signal } = new AbortController();
const makeKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
const [jenkins, release, thief] = [makeKey(), makeKey(), makeKey()];
const terms = {
  nowMs: START_MS,
  expiresInMs: undefined,
  rollout: undefined,
  freeze: undefined,
  publisher: undefined,
};

const CURRENT = `manifests/${ENVIRONMENT}.json`;
const historyOf = (serial: number): string => `manifests/${ENVIRONMENT}/${String(serial)}.json`;

const images = (versions: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(Object.entries(versions).map(([name, version]) => [name, `org/${name}:${version}`]));

const documentOf = (
  serial: number,
  versions: Readonly<Record<string, string>>,
  keys: readonly KeyObject[],
): Uint8Array => {
  const payload = renderManifest(manifest(images(versions), { serial }));
  return keys.length === 0 ? payload : Buffer.from(JSON.stringify(seal(payload, keys)));
};

interface SceneOptions {
  readonly keys?: readonly KeyObject[];
  /** As `--trust` gives them; else only the own keys are known. */
  readonly trusted?: readonly KeyObject[];
  readonly canList?: boolean;
}

const scene = ({ keys = [jenkins], trusted, canList = true }: SceneOptions = {}) => {
  const memory = createMemoryStore();
  const store: MemoryStore = canList
    ? memory
    : { ...memory, list: async () => Promise.resolve(undefined), documents: memory.documents };
  const view = createEnvironmentStore(store, ENVIRONMENT, trustInKeys(trusted ?? keys));
  const isHostsTrust = trusted !== undefined;
  const publisher = createPublisher({
    store,
    environment: ENVIRONMENT,
    view,
    keys,
    isSingleWriter: false,
    isHostsTrust,
  });
  const put = (path: string, document: Uint8Array | string): void => {
    memory.documents.set(path, Buffer.from(document));
  };
  return {
    documents: memory.documents,
    put,
    /** As a hub writes it: the current one, and its history. */
    publishAs: (
      by: readonly KeyObject[],
      serial: number,
      versions: Readonly<Record<string, string>>,
    ): void => {
      put(CURRENT, documentOf(serial, versions, by));
      put(historyOf(serial), documentOf(serial, versions, by));
    },
    report: (host: string, serial: number): void => {
      const status = hostStatus({
        host,
        environment: ENVIRONMENT,
        manifest: { ...hostStatus().manifest, serial },
      });
      put(`reports/${ENVIRONMENT}/${host}.json`, JSON.stringify(status));
    },
    publish: async (
      versions: Readonly<Record<string, string>>,
      change: Partial<Proposal> = {},
    ): Promise<Published> =>
      publisher.publish(
        {
          services: async (before) =>
            Promise.resolve({ ...before?.services, ...manifest(images(versions)).services }),
          named: Object.keys(versions),
          terms,
          serial: undefined,
          isDryRun: false,
          ...change,
        },
        signal,
      ),
  };
};

const versionsIn = (m: Manifest | undefined): Record<string, string> =>
  Object.fromEntries(Object.entries(m?.services ?? {}).map(([name, s]) => [name, s.image.tag ?? '']));
const outcomeOf = ({ before, manifest: m }: Published) => ({
  before: before?.serial,
  serial: m.serial,
  versions: versionsIn(m),
});

const stolen = (options: SceneOptions = {}) => {
  const s = scene({ keys: [release], ...options });
  s.publishAs([jenkins], 417, OLD);
  s.publishAs([jenkins], 418, NEW);
  return s;
};

const others = (s: ReturnType<typeof scene>): void => {
  for (const name of ['production', 'testing', 'stagin', 'qa', 'a', 'b', 'c'])
    s.put(`manifests/${name}.json`, '{}');
};

const OLD = { web: '1', api: '1' };
const NEW = { web: '2', api: '2' };

describe('a publish into a store in whose place lies', () => {
  it('an old manifest goes on from the newest one that is signed, and says so', async () => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    s.publishAs([jenkins], 2, NEW);
    s.put(CURRENT, documentOf(1, OLD, [jenkins]));
    const published = await s.publish({ web: '3' });
    expect(outcomeOf(published)).toEqual({ before: 2, serial: 3, versions: { web: '3', api: '2' } });
    expect(published.remarks.join('\n')).toMatch(/is serial 1, which is older .* serial 2 .*--base 1/);
  });

  it('an old manifest builds upon that one where it is chosen', async () => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    s.publishAs([jenkins], 2, NEW);
    const published = await s.publish({ web: '3' }, { base: { kind: 'serial', serial: 1 } });
    expect(outcomeOf(published)).toEqual({ before: 1, serial: 3, versions: { web: '3', api: '1' } });
    expect(outcomeOf(await s.publish({ web: '4' }, { base: { kind: 'none' } }))).toEqual({
      before: undefined,
      serial: 4,
      versions: { web: '4' },
    });
  });

  it.each([
    ['a manifest without a signature', documentOf(3, { web: 'evil', api: 'evil' }, [])],
    ['an envelope without a signature', JSON.stringify({ ...seal(documentOf(3, OLD, []), []) })],
    ['a manifest of the last serial of all', documentOf(Number.MAX_SAFE_INTEGER, OLD, [])],
    ['a damaged document', '{"payload":'],
    ['nothing', undefined],
    ['an empty document', ''],
    ['the manifest of another environment', documentOf(9, OLD, []).toString().replace(ENVIRONMENT, 'other')],
    ['an unsigned manifest of the same serial', documentOf(2, { web: 'evil', api: 'evil' }, [])],
  ])('%s goes on from the history, above what hosts have', async (_what, document) => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    s.publishAs([jenkins], 2, NEW);
    if (document === undefined) s.documents.delete(CURRENT);
    else s.put(CURRENT, document);
    const published = await s.publish({ web: '3' });
    expect(published.manifest.serial).toBeLessThan(10);
    expect(outcomeOf(published)).toMatchObject({ before: 2, versions: { web: '3', api: '2' } });
    expect(published.remarks.length).toBeGreaterThan(0);
    expect(outcomeOf(await s.publish({ web: '4' }))).toMatchObject({ versions: { web: '4', api: '2' } });
  });

  it('a manifest of the last serial of all, in the history too, as an older hub took it', async () => {
    const s = scene();
    s.publishAs([jenkins], 2, NEW);
    s.publishAs([], Number.MAX_SAFE_INTEGER, OLD);
    const published = await s.publish({ web: '3' });
    expect(outcomeOf(published)).toEqual({ before: 2, serial: 3, versions: { web: '3', api: '2' } });
  });

  it('what a newer version signed needs that version, because it may have a pace or more', async () => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    const written = JSON.parse(Buffer.from(renderManifest(manifest(images(NEW), { serial: 2 }))).toString());
    const newer = Buffer.from(JSON.stringify({ ...(written as object), spread: 'zone' }));
    const document = JSON.stringify(seal(newer, [jenkins]));
    s.put(CURRENT, document);
    s.put(historyOf(2), document);
    await expect(s.publish({ web: '3', api: '3' })).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/signed by a newer version of supercargo: .*spread is not a known key/),
      advice: 'upgrade this publisher to the version of the others',
    });
    expect(outcomeOf(await s.publish({ web: '3' }, { base: { kind: 'serial', serial: 1 } }))).toMatchObject({
      before: 1,
      versions: { web: '3', api: '1' },
    });
  });

  it('a damaged document needs a copy or a new beginning where there is no history', async () => {
    const s = scene();
    s.put(CURRENT, '{');
    await expect(s.publish({ web: '3' })).rejects.toMatchObject({
      code: 'STORE',
      advice: expect.stringContaining('--base none'),
    });
    expect(outcomeOf(await s.publish({ web: '3' }, { base: { kind: 'none' } }))).toMatchObject({ serial: 1 });
  });

  it('a serial that cannot be reached by hand either', async () => {
    const s = scene();
    s.publishAs([jenkins], 2, NEW);
    await expect(s.publish({ web: '3' }, { serial: Number.MAX_SAFE_INTEGER })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringContaining('too far above 2'),
    });
  });
});

describe('a publish into a store that was restored from a backup', () => {
  it('takes no version back unseen: it wants every service, or the base, to be named', async () => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    s.report('web-1', 418);
    await expect(s.publish({ web: '3' })).rejects.toMatchObject({
      code: 'STORE',
      message: expect.stringMatching(/serial 418 \(web-1\).*newest .* 1.*take these back: api 1$/),
      advice: expect.stringContaining('--base 1'),
    });
    expect(outcomeOf(await s.publish({ web: '3', api: '2' }))).toMatchObject({ before: 1, serial: 419 });
    s.report('web-1', 500);
    const chosen = await s.publish({ web: '4' }, { base: { kind: 'serial', serial: 1 } });
    expect(outcomeOf(chosen)).toEqual({ before: 1, serial: 501, versions: { web: '4', api: '1' } });
  });

  it('finds the newest by what hosts report, where the store cannot list', async () => {
    const s = scene({ canList: false });
    for (const serial of [1, 2, 3])
      s.publishAs([jenkins], serial, { web: String(serial), api: String(serial) });
    s.put(CURRENT, documentOf(1, { web: '1', api: '1' }, [jenkins]));
    const hosts = scene({ canList: false });
    for (const [path, bytes] of s.documents) hosts.put(path, bytes);
    // Reports are listed by a hub in one document.
    const status = hostStatus({
      environment: ENVIRONMENT,
      manifest: { ...hostStatus().manifest, serial: 3 },
    });
    const fleet = { apiVersion: 'supercargo/fleet/v1', hosts: [{ receivedAt: status.at, status }] };
    hosts.put(`reports/${ENVIRONMENT}`, JSON.stringify(fleet));
    expect(outcomeOf(await hosts.publish({ web: '4' }))).toEqual({
      before: 3,
      serial: 4,
      versions: { web: '4', api: '3' },
    });
  });

  it('does not believe a host that would use all serials up', async () => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    s.report('web-1', Number.MAX_SAFE_INTEGER);
    expect(outcomeOf(await s.publish({ web: '3' }))).toMatchObject({ before: 1, serial: 2 });
  });
});

describe('a publish after a key was stolen', () => {
  it('signs nothing of that key unseen, and never advises to use it again', async () => {
    const refused = await stolen()
      .publish({ web: '3' })
      .then(
        () => undefined,
        (error: unknown) => error,
      );
    expect(refused).toMatchObject({
      code: 'KEY',
      message: expect.stringMatching(/serial 418.*api 2$/),
      advice: expect.stringMatching(/--trust.*--adopt-unverified.*repository and version/),
    });
    expect(refused).not.toMatchObject({ advice: expect.stringContaining('--key') });
  });

  it('takes over what it shows, when that is wanted', async () => {
    const s = stolen();
    const published = await s.publish({ web: '3' }, { adopts: true });
    expect(outcomeOf(published)).toEqual({ before: 418, serial: 419, versions: { web: '3', api: '2' } });
    expect(published.isAdopted).toBe(true);
    expect((await s.publish({ web: '4' })).isAdopted).toBe(false);
  });

  it('takes over an older one that is chosen, from before the theft', async () => {
    const chosen = { base: { kind: 'serial', serial: 417 }, adopts: true } as const;
    const published = await stolen().publish({ web: '3' }, chosen);
    expect(outcomeOf(published)).toEqual({ before: 417, serial: 419, versions: { web: '3', api: '1' } });
    expect(published.isAdopted).toBe(true);
  });

  it('is told that the pace of that key is lost', async () => {
    const s = stolen();
    const paced = renderManifest({ ...manifest(images(NEW), { serial: 419 }), pace: DEFAULT_PACE });
    s.put(CURRENT, JSON.stringify(seal(paced, [jenkins])));
    const lost: unknown[] = [];
    const check: Proposal['check'] = async ({ lostPace }) => {
      lost.push(lostPace?.serial);
      return Promise.resolve([]);
    };
    await s.publish({ web: '3', api: '3' }, { check, base: { kind: 'none' }, isDryRun: true });
    await s.publish({ web: '3' }, { check, adopts: true, isDryRun: true });
    expect(lost).toEqual([419, undefined]);
  });

  it('goes on where every service is named anew', async () => {
    const published = await stolen().publish({ web: '3', api: '3' });
    expect(outcomeOf(published)).toEqual({
      before: undefined,
      serial: 419,
      versions: { web: '3', api: '3' },
    });
  });

  it('does not go back to what the other key signed long ago, while hosts run the newer one', async () => {
    const s = stolen({ trusted: [release] });
    s.put(historyOf(3), documentOf(3, { web: '0', api: '0' }, [release]));
    await expect(s.publish({ web: '3' })).rejects.toMatchObject({ code: 'KEY' });
    s.report('web-1', 418);
    await expect(s.publish({ web: '3' })).rejects.toMatchObject({ code: 'KEY' });
    expect(outcomeOf(await s.publish({ web: '3' }, { adopts: true }))).toMatchObject({ before: 418 });
  });

  it('passes over what the thief has published and no host has accepted', async () => {
    const s = scene({ keys: [release], trusted: [release] });
    s.publishAs([release], 418, NEW);
    s.publishAs([thief], 419, { web: 'evil', api: 'evil' });
    s.report('web-1', 418);
    const published = await s.publish({ web: '3' });
    expect(outcomeOf(published)).toEqual({ before: 418, serial: 420, versions: { web: '3', api: '2' } });
    expect(published.remarks.join('\n')).toMatch(/is ignored.*signature/);
  });

  it('does not drop what a colleague signed with a key that is not known here', async () => {
    const s = scene();
    s.publishAs([jenkins], 1, OLD);
    s.publishAs([release], 2, { web: '1', api: '2' });
    await expect(s.publish({ web: '3' })).rejects.toMatchObject({
      code: 'KEY',
      advice: expect.stringContaining('--base 1'),
    });
    expect(outcomeOf(await s.publish({ api: '3' }))).toMatchObject({ before: 1, serial: 3 });
  });
});

describe('a new environment', () => {
  it('is created without a word in a store that has none, and says so', async () => {
    const s = scene();
    expect((await s.publish({ web: '1' })).isNew).toBe(true);
    expect((await s.publish({ web: '2' })).isNew).toBe(false);
  });

  it('beside others has to be wanted: it may be a typing error', async () => {
    const s = scene();
    others(s);
    await expect(s.publish({ web: '1' })).rejects.toMatchObject({
      code: 'USAGE',
      message: expect.stringMatching(/new environment .* has testing, .* and 2 more$/),
      advice: expect.stringContaining('--create'),
    });
    await expect(s.publish({ web: '1' }, { isDryRun: true })).rejects.toMatchObject({ code: 'USAGE' });
    expect(s.documents.has(CURRENT)).toBe(false);
    expect((await s.publish({ web: '1' }, { creates: true })).isNew).toBe(true);
    expect((await s.publish({ web: '2' }, { creates: true })).isNew).toBe(false);
  });

  it('is none where its hosts report already, nor where its history is left', async () => {
    const s = scene();
    others(s);
    s.report('web-1', 0);
    expect((await s.publish({ web: '1' })).isNew).toBe(true);
    const left = scene();
    others(left);
    left.put(historyOf(7), documentOf(7, OLD, [jenkins]));
    expect(outcomeOf(await left.publish({ web: '3' }))).toMatchObject({ before: 7, serial: 8 });
  });

  it('is created where the store cannot say which there are', async () => {
    const s = scene({ canList: false });
    others(s);
    expect((await s.publish({ web: '1' })).isNew).toBe(true);
  });
});
