import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createJournal } from '../../src/adapters/state-dir/journal-file.ts';
import { createLedgerStore } from '../../src/adapters/state-dir/ledger-store.ts';
import { emptyLedger, type Ledger } from '../../src/core/state/ledger.ts';
import { manifest } from '../support/world.ts';
import { fuzzAsync, PATIENCE_MS } from './cases.ts';
import { mangled, mutatedJson } from './mutate.ts';

const folderOfTest = async (): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'supercargo-fuzz-'));
  onTestFinished(async () => rm(folder, { recursive: true }));
  return folder;
};

const ledger: Ledger = {
  ...emptyLedger('test'),
  accepted: {
    epoch: 1,
    manifest: manifest({ web: 'org/web:1' }, { serial: 7 }),
    payloadSha256: 'a'.repeat(64),
    documentBase64: 'e30=',
    signed: true,
    acceptedAtMs: 5,
  },
  tags: { 'org/web:1': { kind: 'digest', digest: `sha256:${'b'.repeat(64)}` as never, serial: 7 } },
};

describe('a ledger of any bytes', () => {
  it(
    'is the one that was written, or is not used, and says why',
    async () => {
      const path = join(await folderOfTest(), 'ledger.json');
      const store = createLedgerStore(path, 'test');
      await store.write(ledger);
      const written = await readFile(path);
      const whole = await store.read();
      const bytes = fc.oneof(
        mangled(fc.constant(written)),
        mutatedJson(fc.constant(JSON.parse(written.toString('utf8')))),
      );
      await fuzzAsync(bytes, async (content) => {
        await writeFile(path, content);
        const read = await store.read();
        // Members that are absent and undefined ones are the same.
        const isSame =
          read.kind === 'ok' &&
          JSON.stringify(read.ledger) === JSON.stringify((whole as { ledger: Ledger }).ledger);
        const isRefused = read.kind === 'unreadable' && /\w/.test(read.message);
        expect({ kind: read.kind, holds: isSame || isRefused }).toEqual({ kind: read.kind, holds: true });
      });
    },
    PATIENCE_MS,
  );
});

describe('a history of any bytes', () => {
  it(
    'gives whole entries only, and takes the next one',
    async () => {
      const path = join(await folderOfTest(), 'history.jsonl');
      const lines = ['one', 'two', 'three'].map((event) =>
        JSON.stringify({ at: '2026-11-23T10:00:00.000Z', event, service: 'web' }),
      );
      await fuzzAsync(mangled(fc.constant(`${lines.join('\n')}\n`)), async (content) => {
        await writeFile(path, content);
        const journal = createJournal({ path });
        expect(await journal.append({ at: '2026-11-24T10:00:00.000Z', event: 'next' })).toEqual({ ok: true });
        const entries = await journal.read();
        expect(entries.every((e) => typeof e.at === 'string' && typeof e.event === 'string')).toBe(true);
        expect(entries.at(-1)).toEqual({ at: '2026-11-24T10:00:00.000Z', event: 'next' });
      });
    },
    PATIENCE_MS,
  );
});
