import { expect, it } from 'vitest';
import { createHttpStore } from '../../../src/adapters/document-store/http-store.ts';
import { hostStatus } from '../../support/status.ts';
import { manifestText, PUBLISH, scene } from './scene.ts';

const text = (serial: number): Uint8Array => Buffer.from(manifestText('staging', serial));

it('a hub is a store that publishers can write to safely', async () => {
  const hub = await scene();
  const store = createHttpStore({ base: new URL(hub.url), authorization: `Bearer ${PUBLISH}`, tls: {} });
  const { signal } = new AbortController();
  const [current, probe] = ['manifests/staging.json', 'manifests/staging/probe.json'];

  expect(await store.honoursConditions(probe, signal)).toBe(true);
  expect(await store.read(probe, signal)).toBeUndefined();
  expect(await store.read(current, signal)).toBeUndefined();
  expect(await store.list('manifests/staging', signal)).toEqual([]);

  expect(await store.write(current, text(1), { kind: 'absent' }, signal)).toBe('written');
  expect(await store.write(current, text(2), { kind: 'absent' }, signal)).toBe('refused');
  const stored = await store.read(current, signal);
  expect(Buffer.from(stored?.bytes ?? []).toString()).toBe(manifestText('staging', 1));
  const unchanged = { kind: 'unchanged', version: stored?.version ?? '' } as const;
  expect(await store.write(current, text(2), unchanged, signal)).toBe('written');
  expect(await store.write(current, text(3), unchanged, signal)).toBe('refused');
  // The hub has written it already: a publisher that does not know that meets no error.
  expect(await store.write('manifests/staging/2.json', text(2), { kind: 'absent' }, signal)).toBe('written');
  expect(await store.list('manifests/staging', signal)).toEqual(['1.json', '2.json']);

  await hub.report('staging', 'web-1', hostStatus());
  expect(await store.list('reports/staging', signal)).toEqual(['web-1.json']);
  expect(await store.read('reports/staging', signal)).toBeDefined();
  await expect(store.write(current, text(1), { kind: 'none' }, signal)).rejects.toMatchObject({
    code: 'STORE',
  });
});
