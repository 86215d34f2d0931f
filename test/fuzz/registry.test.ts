import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createImageRegistry } from '../../src/adapters/image-registry/image-registry.ts';
import { parseImage } from '../../src/core/image/reference.ts';
import type { RegistryAuth } from '../../src/core/ports/registry-credentials.ts';
import { fuzzAsync, orRefused, PATIENCE_MS } from './cases.ts';
import { lie, startLyingServer, told, type Lie } from './lying-server.ts';
import { mutatedJson } from './mutate.ts';

const { signal } = new AbortController();
const sha = (bytes: string | Uint8Array): string =>
  `sha256:${createHash('sha256').update(bytes).digest('hex')}`;

const config = JSON.stringify({ os: 'linux', architecture: 'amd64' });
const image = { config: { digest: sha(config) }, layers: [] };
const index = {
  manifests: [
    { digest: sha(JSON.stringify(image)), platform: { os: 'linux', architecture: 'amd64' } },
    { digest: sha('attestation'), platform: { os: 'unknown', architecture: 'unknown' } },
  ],
};

const auths = fc.constantFrom<RegistryAuth | undefined>(
  undefined,
  { username: 'u', password: 'p', serveraddress: '' },
  { identitytoken: 't', serveraddress: '' },
);

describe('whatever a registry answers', () => {
  it(
    'is a clear refusal, or an image whose digests are those of the bytes',
    async () => {
      const server = await startLyingServer('port');
      const answers = fc.record({
        manifest: lie(mutatedJson(fc.constantFrom<unknown>(image, index))),
        blob: fc.oneof(
          { arbitrary: fc.constant(told(Buffer.from(config))), weight: 2 },
          { arbitrary: lie(mutatedJson(fc.constant(JSON.parse(config)))), weight: 1 },
        ),
        part: fc.oneof(
          { arbitrary: fc.constant(told(image)), weight: 2 },
          { arbitrary: lie(mutatedJson(fc.constant(image))), weight: 1 },
        ),
        token: lie(mutatedJson(fc.constant({ token: 'abc', access_token: 'abc' }))),
        tags: lie(mutatedJson(fc.constant({ name: 'org/web', tags: ['1', '2'] }))),
        challenge: fc.constantFrom<string | undefined>(
          undefined,
          undefined,
          `Bearer realm="http://${server.address}/token",service="s"`,
          'Basic',
        ),
        auth: auths,
      });
      await fuzzAsync(answers, async ({ manifest, blob, part, token, tags, challenge, auth }) => {
        const asked = new Map<string, number>();
        server.answer = (_method, path): Lie => {
          asked.set(path, (asked.get(path) ?? 0) + 1);
          if (path.startsWith('/token')) return token;
          if (path.endsWith('tags/list')) return tags;
          if (path.includes('/blobs/')) return blob;
          if (!path.endsWith('/manifests/1')) return part;
          if (challenge !== undefined && asked.get(path) === 1)
            return { ...manifest, status: 401, headers: { 'www-authenticate': challenge } };
          return manifest;
        };
        const registry = createImageRegistry({ for: async () => Promise.resolve(auth) });
        const found = await orRefused(registry.lookUp(parseImage(`${server.address}/org/web:1`), signal));
        // Nobody is asked without end.
        for (const [path, count] of asked) expect([path, count <= 4]).toEqual([path, true]);
        if (!found) return;
        // A redirect may lead to another answer of it.
        expect([manifest, part, blob, tags].map((answer) => sha(answer.body))).toContain(found.digest);
        expect(Object.keys(found.imageIds).length).toBeGreaterThan(0);
        for (const [platform, id] of Object.entries(found.imageIds)) {
          expect(platform).toMatch(/^[a-z0-9_.-]+(?:\/[a-z0-9_.-]+){1,2}$/);
          expect(id).toMatch(/^sha256:[0-9a-f]{64}$/);
        }
      });
    },
    PATIENCE_MS,
  );
});
