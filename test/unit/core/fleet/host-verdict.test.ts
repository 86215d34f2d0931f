import { describe, expect, it } from 'vitest';
import { judgeHost } from '../../../../src/core/fleet/host-verdict.ts';
import {
  readFleetDocument,
  readHostReport,
  type HostReport,
} from '../../../../src/core/fleet/host-report.ts';
import { verdictText, type HostVerdict } from '../../../../src/core/fleet/verdict-text.ts';
import type { ServiceStatus, Status } from '../../../../src/core/status/status-document.ts';
import { hostStatus, NOW_MS, serviceStatus } from '../../../support/status.ts';
import { manifest } from '../../../support/world.ts';

const target = manifest({ web: 'org/web:1.1.0' }, { serial: 418 });
const report = (change: Partial<Status> = {}, seenAtMs = NOW_MS): HostReport => ({
  host: 'web-1',
  seenAtMs,
  status: hostStatus(change),
});
const withService = (change: Partial<ServiceStatus>): HostReport =>
  report({ services: [serviceStatus(change)] });
const at = (serial: number | null, change: Partial<Status['manifest']> = {}): Partial<Status> => ({
  manifest: { ...hostStatus().manifest, serial, ...change },
});
const rejection = { reason: 'expired', serial: 418, message: 'too late', advice: 'again', since: '' };
const failure = {
  version: '1.1.0',
  release: 'a',
  attempt: 0,
  reason: 'crashed',
  message: 'it crashed',
  at: '',
  log: ['boom'],
};

const STOPPED = { ...hostStatus().agent, running: false };

const rows: readonly (readonly [string, HostReport | undefined, HostVerdict['kind'], RegExp])[] = [
  ['runs it', report(), 'converged', /converged/],
  ['never reported', undefined, 'silent', /never reported/],
  ['is silent', report({}, NOW_MS - 200_000), 'silent', /silent since/],
  ['runs it, and whose agent ended', report({ agent: STOPPED }), 'converged', /converged/],
  [
    'is behind, and whose agent ended',
    report({ ...at(417), agent: STOPPED }),
    'stopped',
    /its agent has not run .*start it/,
  ],
  [
    'was stopped long ago',
    report({ agent: STOPPED }, NOW_MS - 200_000),
    'stopped',
    /its agent has not run since/,
  ],
  ['is behind', report(at(417)), 'pending', /at serial 417/],
  ['has none yet', report(at(null)), 'pending', /no manifest yet/],
  ['refuses it', report(at(417, { state: 'rejected', rejection })), 'failed', /refuses serial 418: too late/],
  [
    'refused an older one',
    report(at(418, { rejection: { ...rejection, serial: 400 } })),
    'converged',
    /converged/,
  ],
  ['went back', withService({ outcome: 'rolled-back', failure }), 'failed', /web: it crashed/],
  ['is blocked', withService({ outcome: 'blocked', reason: 'disk', message: 'full' }), 'failed', /web: full/],
  [
    'waits',
    withService({ outcome: 'waiting', message: 'its turn comes', until: '2030' }),
    'pending',
    /its turn comes \(until 2030\)/,
  ],
  [
    'has accepted it and not looked yet',
    withService({ desired: { version: '1.0.0', release: 'x' } }),
    'pending',
    /plans its steps/,
  ],
  ['has a later one with the same version', report(at(419)), 'converged', /converged/],
  [
    'has a later one with another',
    report({ ...at(419), services: [serviceStatus({ desired: { version: '2', release: 'x' } })] }),
    'superseded',
    /serial 419 wants web 2/,
  ],
  [
    'pins the service',
    report({
      ...at(418, { ignored: [{ service: 'web', why: 'pinned' }] }),
      services: [serviceStatus({ outcome: 'blocked' })],
    }),
    'converged',
    /converged/,
  ],
  ['does not have the service', report({ services: [] }), 'converged', /converged/],
  [
    'has lost its engine',
    report({ engine: { ...hostStatus().engine, online: false, message: 'cannot reach the engine' } }),
    'pending',
    /cannot reach the engine/,
  ],
];

describe('a host that', () => {
  it.each(rows)('%s', (_what, seen, kind, says) => {
    const verdict = judgeHost(seen, target, NOW_MS);
    expect(verdict.kind).toBe(kind);
    expect(verdictText(verdict)).toMatch(says);
  });

  it('writes what it likes into its report stays on its line', () => {
    const message = 'x\nweb-2: converged\u001B[2J\u202E';
    const verdict = judgeHost(withService({ outcome: 'blocked', message }), target, NOW_MS);
    expect(verdictText(verdict)).toBe('web: x web-2: converged [2J ');
  });

  it('failed tells the last lines of the container', () => {
    const verdict = judgeHost(withService({ outcome: 'rolled-back', failure }), target, NOW_MS);
    expect(verdict).toMatchObject({ faults: [{ service: 'web', reason: 'crashed', log: ['boom'] }] });
  });
});

const stored = (text: string, times: { writtenAtMs?: number; readAtMs?: number } = {}) => ({
  bytes: Buffer.from(text),
  writtenAtMs: times.writtenAtMs,
  readAtMs: times.readAtMs,
});
const MINUTE = 60_000;

describe('reports', () => {
  it('are read one by one, or as the list of a hub', () => {
    const status = hostStatus();
    const one = JSON.stringify(status);
    expect(readHostReport(stored(one), NOW_MS)).toEqual({
      host: 'web-1',
      seenAtMs: Date.parse(status.at),
      status,
    });
    const listed = {
      apiVersion: 'supercargo/fleet/v1',
      hosts: [{ host: 'web-1', receivedAt: '2026-11-23T09:00:00Z', status }],
    };
    expect(readFleetDocument(stored(JSON.stringify(listed)), NOW_MS)).toMatchObject([
      { host: 'web-1', seenAtMs: Date.parse('2026-11-23T09:00:00Z') },
    ]);
  });

  it.each([
    ['is right', 0],
    ['is ten minutes ahead', 10 * MINUTE],
    ['is ten minutes behind', -10 * MINUTE],
  ])('are as old as they are, where the clock of the store %s', (_what, aheadMs) => {
    const status = hostStatus();
    const storeMs = NOW_MS + aheadMs;
    const times = { writtenAtMs: storeMs - MINUTE, readAtMs: storeMs };
    expect(readHostReport(stored(JSON.stringify(status), times), NOW_MS)?.seenAtMs).toBe(NOW_MS - MINUTE);
    const receivedAt = new Date(storeMs - MINUTE).toISOString();
    const listed = { apiVersion: 'supercargo/fleet/v1', hosts: [{ host: 'web-1', receivedAt, status }] };
    const [seen] = readFleetDocument(stored(JSON.stringify(listed), { readAtMs: storeMs }), NOW_MS) ?? [];
    expect(seen?.seenAtMs).toBe(NOW_MS - MINUTE);
  });

  it.each([['{'], ['[]'], ['{"apiVersion":"supercargo/status/v1"}'], ['{"__proto__":{}}'], ['']])(
    'are none in %s',
    (text) => {
      expect(readHostReport(stored(text), NOW_MS)).toBeUndefined();
      expect(readFleetDocument(stored(text), NOW_MS)).toBeUndefined();
    },
  );
});
