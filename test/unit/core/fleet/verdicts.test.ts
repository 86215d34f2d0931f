import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { findingsOf } from '../../../../src/core/fleet/host-findings.ts';
import { judgeHost } from '../../../../src/core/fleet/host-verdict.ts';
import {
  readFleetDocument,
  readHostReport,
  type HostReport,
} from '../../../../src/core/fleet/host-report.ts';
import { isWell, verdictText } from '../../../../src/core/fleet/verdict-text.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { fleetOfAll, strangeStatus, WANTED_SERIAL } from '../../../support/fleet-of-all.ts';
import { hostStatus, NOW_MS, serviceStatus } from '../../../support/status.ts';
import { manifest } from '../../../support/world.ts';
import { toneOf, VERDICT_WORDS } from '../../../../src/core/vocabulary/outcomes.ts';

const wanted = manifest({ web: 'org/web:1.1.0' }, { serial: WANTED_SERIAL });
const reportOf = (host: string, change: Partial<Status> = {}, seenAtMs = NOW_MS): HostReport => ({
  host,
  seenAtMs,
  status: hostStatus({ host, ...change }),
});
const OLD_MS = NOW_MS - 200_000;

describe('the verdict of a host', () => {
  it.each(fleetOfAll)('that is $word: $says', ({ host, word, kind, says, status }) => {
    const verdict = judgeHost(reportOf(host, status), wanted, NOW_MS);
    expect(verdict).toMatchObject({ word, kind });
    expect(verdictText(verdict)).toMatch(says);
  });

  it.each([
    ['never reported', undefined, 'silent', /never reported/],
    ['is not heard of any more', reportOf('web-1', {}, OLD_MS), 'silent', /silent since 2026-/],
    [
      'was stopped long ago',
      reportOf('web-1', { agent: { ...hostStatus().agent, running: false } }, OLD_MS),
      'stopped',
      /its agent has not run/,
    ],
  ])('that %s is not well, whatever it last reported', (_what, report, word, says) => {
    const verdict = judgeHost(report, wanted, NOW_MS);
    expect([verdict.word, verdict.kind]).toEqual([word, word]);
    expect(verdictText(verdict)).toMatch(says);
  });

  it('has every word of the list, and no green but for one', () => {
    const words = new Set(fleetOfAll.map(({ word }) => word));
    expect(VERDICT_WORDS.filter((word) => !words.has(word))).toEqual(['silent']);
    expect(VERDICT_WORDS.filter((word) => toneOf(word) === 'good')).toEqual(['converged']);
    expect(toneOf('hibernating')).toBe('warn');
    expect(toneOf('constructor')).toBe('warn');
  });

  it('says why wherever it is not well', () => {
    for (const { host, status } of fleetOfAll) {
      const verdict = judgeHost(reportOf(host, status), wanted, NOW_MS);
      expect([host, isWell(verdict) || verdict.message.length > 3]).toEqual([host, true]);
    }
  });

  it('names the cause once: a lost ledger and a refused manifest say why the host is behind', () => {
    for (const word of ['no-ledger', 'refused']) {
      const found = fleetOfAll.find((f) => f.word === word);
      const findings = findingsOf(reportOf('x', found?.status), wanted, NOW_MS);
      expect(findings.map((f) => f.word)).toEqual([word]);
    }
  });

  it.each([
    [
      'blocked',
      serviceStatus({ service: 'db', outcome: 'blocked', message: 'no image' }),
      'blocked',
      'converged',
    ],
    [
      'waiting',
      serviceStatus({ service: 'db', outcome: 'waiting', message: 'nothing is published' }),
      'waiting',
      'converged',
    ],
  ])(
    'is %s by a service that the manifest does not name, and still runs the manifest',
    (outcome, db, word, kind) => {
      const status = { outcome: outcome as 'blocked', services: [serviceStatus(), db] };
      expect(judgeHost(reportOf('web-1', status), wanted, NOW_MS)).toMatchObject({ word, kind });
    },
  );

  it('calls a host drained once for all its services, but not where one has failed', () => {
    const draining = { reason: 'kernel', owner: 'ann', since: '', until: null, done: false };
    const [out, leaving] = [
      serviceStatus({ service: 'db', outcome: 'waiting', reason: 'drained' }),
      serviceStatus({ outcome: 'progressing', reason: 'lead', message: 'load balancers are told' }),
    ];
    const status = { outcome: 'progressing', draining, services: [out, leaving] } as const;
    const findings = findingsOf(reportOf('web-1', status), wanted, NOW_MS);
    expect(findings.map(({ word, service }) => [word, service])).toEqual([
      ['drained', null],
      ['progressing', 'web'],
    ]);
    expect(findings[0]).toMatchObject({
      message: 'drained by ann: kernel; services still stop',
      advice: 'bring it back with `supercargo undrain` there',
    });
    const failed = serviceStatus({ outcome: 'blocked', reason: 'engine', message: 'cannot stop it' });
    const blocked = reportOf('web-1', { ...status, outcome: 'blocked', services: [failed, out] });
    expect(judgeHost(blocked, wanted, NOW_MS)).toMatchObject({ word: 'blocked', kind: 'failed' });
  });

  it('counts a drained host as pending even if the manifest has nothing for it', () => {
    const draining = { reason: 'kernel', owner: 'ann', since: '', until: null, done: true };
    const report = reportOf('web-1', { draining, services: [] });
    expect(judgeHost(report, wanted, NOW_MS)).toMatchObject({ word: 'drained', kind: 'pending' });
  });

  it('takes the host’s own word for what it cannot explain', () => {
    const verdict = judgeHost(reportOf('web-1', { outcome: 'hibernating' as 'waiting' }), wanted, NOW_MS);
    expect(verdict).toMatchObject({ word: 'hibernating', kind: 'pending' });
    expect(verdictText(verdict)).toBe('it reports "hibernating", which this version cannot explain');
  });

  it('is of the host alone where nothing is published', () => {
    expect(judgeHost(reportOf('web-1'), undefined, NOW_MS)).toMatchObject({
      word: 'converged',
      kind: 'converged',
    });
    const waiting = {
      outcome: 'waiting' as const,
      services: [serviceStatus({ outcome: 'waiting', reason: 'unpublished' })],
    };
    expect(judgeHost(reportOf('web-1', waiting), undefined, NOW_MS)).toMatchObject({
      word: 'waiting',
      kind: 'pending',
    });
  });

  it('is green only for a host that is heard of, online, trusting, current and converged', () => {
    const word = fc.constantFrom(
      'converged',
      'progressing',
      'waiting',
      'rolled-back',
      'blocked',
      'offline',
      'odd',
    );
    const any = fc.record({
      outcome: word,
      service: word,
      version: fc.constantFrom('1.0.0', '1.1.0'),
      serial: fc.constantFrom(null, 417, 418, 419),
      running: fc.boolean(),
      online: fc.boolean(),
      reachable: fc.constantFrom(null, true, false),
      refuses: fc.constantFrom(undefined, null, 417, 418),
      hasProblem: fc.constantFrom(undefined, 'LEDGER', 'TRUST', 'ODD'),
      seenAtMs: fc.constantFrom(NOW_MS, OLD_MS),
    });
    fc.assert(
      fc.property(any, (h) => {
        const healthy = hostStatus();
        const { message, advice } = { message: 'm', advice: 'a' };
        const change = {
          outcome: h.outcome as 'converged',
          agent: { ...healthy.agent, running: h.running },
          engine: { ...healthy.engine, online: h.online },
          manifest: {
            ...healthy.manifest,
            serial: h.serial,
            source: { ...healthy.manifest.source, reachable: h.reachable },
            rejection:
              h.refuses === undefined
                ? null
                : { reason: 'older', serial: h.refuses, message, advice, since: '' },
          },
          services: [
            serviceStatus({
              outcome: h.service as 'converged',
              desired: { version: h.version, release: 'x' },
            }),
          ],
          problems: h.hasProblem === undefined ? [] : [{ code: h.hasProblem, message, advice }],
        };
        const verdict = judgeHost(reportOf('web-1', change, h.seenAtMs), wanted, NOW_MS);
        const isGood =
          h.outcome === 'converged' &&
          h.service === 'converged' &&
          h.version === '1.1.0' &&
          (h.serial ?? 0) >= WANTED_SERIAL &&
          h.running &&
          h.online &&
          h.reachable !== false &&
          h.refuses === undefined &&
          h.hasProblem === undefined &&
          h.seenAtMs === NOW_MS;
        expect(isWell(verdict)).toBe(isGood);
        expect(!isWell(verdict) || verdict.kind === 'converged').toBe(true);
        expect(verdict.faults.length > 0).toBe(verdict.kind === 'failed');
        expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
      }),
      { numRuns: 2_000 },
    );
  });
});

const stored = (bytes: string) => ({ bytes: Buffer.from(bytes), writtenAtMs: NOW_MS, readAtMs: NOW_MS });

describe('a report with words that no version has', () => {
  const text = JSON.stringify(strangeStatus());

  it('is read, alone and in the list of a hub, and nothing of it is lost', () => {
    expect(readHostReport(stored(text), NOW_MS)?.status).toEqual(strangeStatus());
    const listed = {
      apiVersion: 'supercargo/fleet/v1',
      hosts: [{ host: 'web-1', receivedAt: hostStatus().at, status: strangeStatus() }],
    };
    expect(readFleetDocument(stored(JSON.stringify(listed)), NOW_MS)).toHaveLength(1);
  });

  it('is shown with its own words, and is not yet good', () => {
    const report = readHostReport(stored(text), NOW_MS);
    const verdict = judgeHost(report, wanted, NOW_MS);
    expect(verdict).toMatchObject({ kind: 'pending', word: 'hibernating', reason: 'dormant' });
    expect(verdictText(verdict)).toBe('web: asleep until it is asked');
  });
});
