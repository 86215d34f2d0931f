import { text } from 'node:stream/consumers';
import { expect, it } from 'vitest';
import { createArchiveSource } from '../../../../src/adapters/manifest-source/archive-source.ts';
import { createHubs } from '../../../../src/io/hub-failover.ts';
import { serve } from './server.ts';

const signal = new AbortController().signal;
const ARCHIVE = { digest: `sha256:${'a'.repeat(64)}` } as Parameters<
  ReturnType<typeof createArchiveSource>['open']
>[0];

const archivesOf = (...urls: readonly [string, ...string[]]) =>
  createArchiveSource({ hubs: createHubs({ host: 'web-1' }).list('archives', urls) });

it('an archive comes from the hub that has it, whichever that is', async () => {
  const without = await serve((_, response) => response.writeHead(404).end());
  const having = await serve((_, response) => response.end('archive'));
  const archives = archivesOf(without.url, 'http://127.0.0.1:1/manifests/staging.json', having.url);
  expect(await text(archives.open(ARCHIVE, signal))).toBe('archive');
  expect(having.requests[0]?.url).toMatch(/^\/archives\//);
});

it('an archive that no hub has says so of each', async () => {
  const without = await serve((_, response) => response.writeHead(404).end());
  const archives = archivesOf(without.url, 'http://127.0.0.1:1/manifests/staging.json');
  await expect(text(archives.open(ARCHIVE, signal))).rejects.toThrow(
    /^it cannot be read: http.*(404|ECONNREFUSED).*; http.*(404|ECONNREFUSED)/,
  );
});
