import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createManifestSource } from '../../src/adapters/manifest-source/manifest-source.ts';
import { createRegistryCredentials } from '../../src/adapters/registry-credentials/registry-credentials.ts';
import { createReportStore } from '../../src/adapters/report-store/report-store.ts';
import { readConfig, type Config } from '../../src/config/agent-config.ts';
import { VARIABLE_ENTRIES } from '../../src/config/agent-variables.ts';
import { parseImage } from '../../src/core/image/reference.ts';
import { DOCUMENT_CAP_BYTES } from '../../src/core/manifest/accept.ts';
import { expectClear, fuzz, fuzzAsync, orRefused, PATIENCE_MS } from './cases.ts';
import { lie, startLyingServer } from './lying-server.ts';
import { mangled, mutatedJson } from './mutate.ts';
import { oneHub } from '../support/one-hub.ts';

const { signal } = new AbortController();
const bodies = mangled(
  fc.constantFrom('{"apiVersion":"supercargo/v1"}', '', 'x'.repeat(DOCUMENT_CAP_BYTES + 10)),
);

interface Answered {
  readonly kind: string;
  readonly error?: unknown;
  readonly bytes?: Uint8Array;
  readonly retryAfterMs?: number;
}

/** A failure is a value with clear words; a wish to wait is a time that can be waited for. */
const isSound = ({ kind, error, bytes, retryAfterMs = 0 }: Answered): boolean => {
  if (error !== undefined) expectClear(error);
  const isShort = (bytes?.length ?? 0) <= DOCUMENT_CAP_BYTES + 64 * 1024;
  return (
    (kind === 'failed') === (error !== undefined) &&
    isShort &&
    Number.isFinite(retryAfterMs) &&
    retryAfterMs >= 0
  );
};

describe('whatever a web server answers', () => {
  it(
    'to the question for a manifest is a document to judge, or a failure in clear words',
    async () => {
      const server = await startLyingServer('port');
      await fuzzAsync(fc.tuple(lie(bodies), lie(bodies)), async (answers) => {
        const source = createManifestSource({ hubs: oneHub(`http://${server.address}/manifest.json`) });
        for (const answer of answers) {
          server.answer = () => answer;
          expect(isSound(await source.fetch(signal))).toBe(true);
        }
      });
    },
    PATIENCE_MS,
  );

  it(
    'to a report is a delivery, or a failure in clear words',
    async () => {
      const server = await startLyingServer('port');
      const url = `http://${server.address}/reports/staging/web-1.json`;
      const sink = createReportStore({
        hubs: oneHub(url),
        token: { kind: 'none' },
        readTls: async () => Promise.resolve({}),
      });
      const said = mutatedJson(fc.constant({ error: { code: 'x', message: 'y', advice: 'z' } }));
      await fuzzAsync(lie(said), async (answer) => {
        server.answer = () => answer;
        expect(isSound(await sink.send({ text: () => '{}', substance: '', seq: 1 }, signal))).toBe(true);
      });
    },
    PATIENCE_MS,
  );
});

describe('any config.json of docker', () => {
  it(
    'gives a login, none, or a clear error without the secret',
    async () => {
      const folder = await mkdtemp(join(tmpdir(), 'supercargo-fuzz-'));
      onTestFinished(async () => rm(folder, { recursive: true }));
      const auth = Buffer.from('ci:hunter2').toString('base64');
      const files = fc.constantFrom<unknown>(
        {
          auths: {
            'registry.example.com': { auth },
            'https://index.docker.io/v1/': { identitytoken: 'hunter2' },
          },
        },
        { auths: { 'registry.example.com': { username: 'ci', password: 'hunter2' } }, credHelpers: {} },
      );
      const credentials = createRegistryCredentials({
        dockerConfigDir: folder,
        path: '/nonexistent',
        home: folder,
      });
      await fuzzAsync(mutatedJson(files), async (bytes) => {
        await writeFile(join(folder, 'config.json'), bytes);
        const asked = credentials.for(parseImage('registry.example.com/org/web').repository, signal);
        const found = await orRefused(asked);
        const words = await asked.catch((error: unknown) => `${String(error)} ${JSON.stringify(error)}`);
        expect(Object.values(found ?? {}).every((value) => typeof value === 'string')).toBe(true);
        expect(typeof words === 'string' && (words.includes('hunter2') || words.includes(auth))).toBe(false);
      });
    },
    PATIENCE_MS,
  );
});

describe('any environment', () => {
  const NAMES = VARIABLE_ENTRIES.map(([name]) => name);
  const EXAMPLES = [
    'staging',
    'https://m.example.com/staging.json',
    'file:///m.json',
    '/etc/x',
    'true',
    '*/30 * * * * *',
    '2',
    'info',
    'json',
    'Mon-Fri 09:00+8h Europe/London',
    'docker.io=https://mirror',
    'unix:///run/x.sock',
    'tcp://h:1',
    'host',
    'haproxy:3.2',
  ];
  const values = fc.oneof(
    fc.constantFrom(...EXAMPLES),
    mangled(fc.constantFrom(...EXAMPLES)).map((b) => b.toString('utf8')),
  );
  const environments = fc.dictionary(
    fc.constantFrom(...NAMES, 'DOCKER_HOST', 'DOCKER_CONFIG', 'WATCHDOG_USEC'),
    values,
    { maxKeys: 6 },
  );

  it(
    'is a configuration, or a clear error',
    () => {
      fuzz(environments, (changes) => {
        const env = { SUPERCARGO_ENVIRONMENT: 'staging', SUPERCARGO_MANIFEST_URL: 'https://m/x', ...changes };
        const surroundings = {
          fileExists: () => true,
          hasCredential: () => false,
          denied: () => undefined,
          adviceOn: () => 'correct it',
          hostname: 'web-1',
          home: '/home/agent',
          isTerminal: false,
        };
        let config: Config | undefined;
        try {
          config = readConfig(env, surroundings);
        } catch (error) {
          expectClear(error);
        }
        expect(config === undefined || /^[a-z0-9]/.test(config.environment)).toBe(true);
      });
    },
    PATIENCE_MS,
  );
});
