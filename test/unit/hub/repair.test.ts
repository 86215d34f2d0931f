import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import type { Trust } from '../../../src/core/manifest/manifest.ts';
import { seal } from '../../../src/core/manifest/seal.ts';
import { createRepairFiles } from '../../../src/adapters/hub-files/repair-files.ts';
import type { Repair } from '../../../src/core/hub/plan-repair.ts';
import { repairManifests } from '../../../src/hub/manifests/repair-manifests.ts';
import type { HubFiles } from '../../../src/core/ports/hub-files.ts';
import { hostStatus } from '../../support/status.ts';
import { manifestText } from './scene.ts';

const makeKey = (): KeyObject => generateKeyPairSync('ed25519').privateKey;
const [jenkins, release, thief] = [makeKey(), makeKey(), makeKey()];
const IMAGE = `registry.example.com/web@sha256:${'a'.repeat(64)}`;
const NOW_MS = Date.parse('2026-11-30T02:15:00Z');

const trustIn = (...keys: readonly KeyObject[]): Trust => ({
  epoch: 1,
  threshold: 1,
  keys: keys.map((key, at) => ({
    name: `key ${String(at)}`,
    publicKey: createPublicKey(key).export({ format: 'der', type: 'spki' }).subarray(-32).toString('hex'),
  })),
});

const signed = (serial: number, key = jenkins): string =>
  JSON.stringify(seal(Buffer.from(manifestText('staging', serial, IMAGE)), [key]));
const bare = (serial: number): string => manifestText('staging', serial, IMAGE);

const PLACE = 'manifests/staging.json';
const at = (serial: number): string => `manifests/staging/${String(serial)}.json`;

const memoryFiles = (content: Readonly<Record<string, string>>) => {
  const documents = new Map(Object.entries(content));
  const files: HubFiles = {
    read: async (path) => {
      const text = documents.get(path);
      return Promise.resolve(text === undefined ? undefined : Buffer.from(text));
    },
    list: async (folder) =>
      Promise.resolve(
        [...documents.keys()]
          .filter((path) => path.startsWith(`${folder}/`) && !path.slice(folder.length + 1).includes('/'))
          .map((path) => ({
            name: path.slice(folder.length + 1),
            kind: 'file' as const,
            modifiedAtMs: NOW_MS,
          })),
      ),
    apply: async (changes) =>
      Promise.resolve(
        changes.map(({ path, bytes }) => {
          if (bytes === undefined) documents.delete(path);
          else documents.set(path, Buffer.from(bytes).toString());
          return undefined;
        }),
      ),
    touch: async () => Promise.resolve(true),
  };
  return { files, documents };
};

const accepted = (serial: number): Record<string, string> => ({
  'reports/staging/web-1.json': JSON.stringify(
    hostStatus({
      host: 'web-1',
      environment: 'staging',
      manifest: { ...hostStatus().manifest, serial },
    }),
  ),
});

const repair = async (files: HubFiles, trust: Trust | undefined, isDryRun: boolean): Promise<Repair> =>
  repairManifests({
    manifests: createRepairFiles(files, () => NOW_MS),
    environment: 'staging',
    trust,
    nowMs: NOW_MS,
    isDryRun,
  });
const plan = async (content: Readonly<Record<string, string>>, trust?: Trust): Promise<Repair> =>
  repair(memoryFiles(content).files, trust, true);

const summaryOf = ({ serial, steps }: Repair) => ({
  serial,
  steps: steps.map(({ kind, path }) => `${kind} ${path}`),
});

const GOOD = { [PLACE]: signed(2), [at(1)]: signed(1), [at(2)]: signed(2) };
const MOST = Number.MAX_SAFE_INTEGER;

describe('the repair of an environment', () => {
  it.each<[string, Record<string, string>, Trust | undefined, number, readonly string[]]>([
    ['in order is nothing', GOOD, trustIn(jenkins), 2, []],
    [
      'with a damaged current manifest',
      { ...GOOD, [PLACE]: '{' },
      undefined,
      2,
      [`set-aside ${PLACE}`, `restored ${PLACE}`],
    ],
    [
      'with an empty one',
      { ...GOOD, [PLACE]: '' },
      undefined,
      2,
      [`set-aside ${PLACE}`, `restored ${PLACE}`],
    ],
    ['with none', { [at(1)]: signed(1) }, undefined, 1, [`restored ${PLACE}`]],
    ['with an old one', { ...GOOD, [PLACE]: signed(1) }, undefined, 2, [`restored ${PLACE}`]],
    [
      'with an old one that the history lacks',
      { [PLACE]: signed(1), [at(2)]: signed(2) },
      undefined,
      2,
      [`set-aside ${PLACE}`, `restored ${PLACE}`],
    ],
    [
      'with an unsigned one of the last serial',
      { ...GOOD, [PLACE]: bare(MOST), [at(MOST)]: bare(MOST) },
      undefined,
      2,
      [`set-aside ${PLACE}`, `set-aside ${at(MOST)}`, `restored ${PLACE}`],
    ],
    [
      'with an unsigned one',
      { ...GOOD, [PLACE]: bare(3), [at(3)]: bare(3) },
      undefined,
      2,
      [`set-aside ${PLACE}`, `set-aside ${at(3)}`, `restored ${PLACE}`],
    ],
    [
      'of unsigned ones',
      { [PLACE]: bare(1), [at(1)]: bare(1), [at(2)]: bare(2) },
      undefined,
      2,
      [`restored ${PLACE}`],
    ],
    ['with a damaged history', { ...GOOD, [at(1)]: 'x' }, undefined, 2, [`set-aside ${at(1)}`]],
    [
      'with a history at a wrong address',
      { ...GOOD, [at(9)]: signed(1) },
      undefined,
      2,
      [`set-aside ${at(9)}`],
    ],
    [
      'with old ones of a key that retired',
      { ...GOOD, [at(1)]: signed(1, release) },
      trustIn(jenkins),
      2,
      [],
    ],
    [
      'with a newer one of a strange key, which no host has accepted',
      { ...GOOD, ...accepted(2), [PLACE]: signed(3, thief), [at(3)]: signed(3, thief) },
      trustIn(jenkins),
      2,
      [`set-aside ${PLACE}`, `set-aside ${at(3)}`, `restored ${PLACE}`],
    ],
    [
      'with a newer one of a key that was stolen, which hosts run',
      { ...GOOD, ...accepted(3), [PLACE]: signed(3, thief), [at(3)]: signed(3, thief) },
      trustIn(jenkins),
      3,
      [],
    ],
    ['whose only key was stolen', GOOD, trustIn(release), 2, []],
  ])('%s', async (_what, content, trust, serial, steps) => {
    expect(summaryOf(await plan(content, trust))).toEqual({ serial, steps });
  });

  it('keeps every byte of what it sets aside, and has nothing left to do then', async () => {
    const { files, documents } = memoryFiles({ ...GOOD, [PLACE]: '{', [at(3)]: bare(3) });
    await repair(files, undefined, false);
    expect(Object.fromEntries(documents)).toEqual({
      ...GOOD,
      'manifests/staging/set-aside/20261130T021500Z-staging.json': '{',
      'manifests/staging/set-aside/20261130T021500Z-3.json': bare(3),
    });
    expect((await repair(files, undefined, false)).steps).toEqual([]);
  });

  it('says what it leaves alone, and why', async () => {
    const { remarks } = await plan({ ...GOOD, [at(3)]: signed(3, thief) }, trustIn(jenkins));
    expect(remarks.join('\n')).toMatch(/3\.json stays.*hosts may run it/);
  });

  it('changes nothing where nothing good is left', async () => {
    await expect(plan({ [PLACE]: '{' })).rejects.toMatchObject({
      code: 'STORE',
      advice: expect.stringContaining('--base none'),
    });
  });
});
