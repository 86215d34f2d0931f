import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createLedgerStore } from '../../src/adapters/state-dir/ledger-store.ts';
import { readHostReport } from '../../src/core/fleet/host-report.ts';
import { readPublication } from '../../src/core/hub/publication.ts';
import { readReport } from '../../src/core/hub/read-report.ts';
import { DEFAULT_PACE } from '../../src/core/manifest/pace.ts';
import { unfitFor } from '../../src/core/publish/pace-checks.ts';
import { renderManifest } from '../../src/core/publish/render-manifest.ts';
import { fleetOfReports } from '../support/fleet-of-reports.ts';

/**
 * As a host, a hub and a publisher wrote them before there were turns (commit 630471b): `web` 1.0.0 was
 * good, 1.1.0 crashed, and the host is held.
 */
const pathOf = (name: string): string =>
  join(import.meta.dirname, 'fixtures', 'before-turns', `${name}.json`);
const ENVIRONMENT = 'f5848b937';
const NOW_MS = Date.parse('2026-11-30T19:00:40Z');

const manifestIn = async () => {
  const document = await readFile(pathOf('manifest'));
  const read = readPublication({ document, environment: ENVIRONMENT, trust: undefined, nowMs: NOW_MS });
  if (read.kind === 'refused') throw new Error(read.refusal.message);
  const { payload } = JSON.parse(document.toString()) as { payload: string };
  return { ...read.publication, payload: Buffer.from(payload, 'base64').toString() };
};

describe('a document from before there were turns', () => {
  it('is a ledger, which is written again without a loss', async () => {
    const read = await createLedgerStore(pathOf('ledger'), ENVIRONMENT).read();
    expect(read).toMatchObject({
      kind: 'ok',
      ledger: {
        accepted: { manifest: { serial: 2 } },
        services: { web: { good: [{ release: { version: '1.0.0' } }], failure: { version: '1.1.0' } } },
        hold: { reason: 'looking' },
      },
    });
    if (read.kind !== 'ok') throw new Error(read.kind);
    expect(read.ledger.switchNow).toBeUndefined();
    const folder = await mkdtemp(join(tmpdir(), 'supercargo-ledger-'));
    onTestFinished(async () => rm(folder, { recursive: true }));
    const store = createLedgerStore(join(folder, 'ledger.json'), ENVIRONMENT);
    await store.write(read.ledger);
    expect(await store.read()).toEqual(read);
  });

  it('is a report, by which a hub knows a host that takes no turns', async () => {
    const read = readReport(await readFile(pathOf('report')), ENVIRONMENT, 'web-1');
    expect(read).toMatchObject({
      kind: 'report',
      summary: {
        outcome: 'rolled-back',
        labels: { zone: 'a' },
        word: {
          turns: null,
          serial: 2,
          isHeld: false,
          services: [{ service: 'web', entry: 'web', state: 'none', serves: true, reason: 'quarantined' }],
        },
      },
    });
  });

  it('is a report, by which a publisher refuses the first pace', async () => {
    const bytes = await readFile(pathOf('report'));
    const report = readHostReport({ bytes, writtenAtMs: NOW_MS, readAtMs: NOW_MS }, NOW_MS);
    if (!report) throw new Error('no report');
    const { manifest } = await manifestIn();
    const { totals } = await fleetOfReports(
      () => [report],
      () => NOW_MS,
    )({ target: undefined }, new AbortController().signal);
    expect(unfitFor({ ...manifest, pace: DEFAULT_PACE }, totals)).toMatchObject([
      { message: expect.stringContaining('1 host (web-1 with 0.1.0) is too old for a pace') as string },
    ]);
    expect(unfitFor(manifest, totals)).toEqual([]);
  });

  it('is a manifest, whose next one is what an older host and publisher can read, byte for byte', async () => {
    const { manifest, isSigned, payload } = await manifestIn();
    expect(isSigned).toBe(true);
    expect(manifest).toMatchObject({ serial: 2, pace: undefined, urgent: undefined });
    expect(Buffer.from(renderManifest(manifest)).toString()).toBe(payload);
  });
});
