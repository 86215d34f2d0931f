import { describe, expect, it } from 'vitest';
import { readReport, REPORT_CAP_BYTES } from '../../../../src/core/hub/read-report.ts';
import { fingerprintOf } from '../../../../src/core/status/fingerprint.ts';
import { reportText } from '../../../../src/core/status/report-text.ts';
import type { EdgeStatus, FailureStatus, Status } from '../../../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';

const edge = (sessions: number): EdgeStatus => ({
  outcome: 'converged',
  reason: null,
  message: null,
  advice: null,
  until: null,
  containers: [{ id: 'a', name: 'a', role: 'serving', state: 'running', version: '3', sessions }],
});
const { manifest } = hostStatus();
const source = (change: Partial<Status['manifest']['source']>): Partial<Status> => ({
  manifest: { ...manifest, source: { ...manifest.source, ...change } },
});

const draining = (sessions: number): Partial<Status> => {
  const service = serviceStatus();
  const drain = { since: 'a', until: 'b', sessions };
  return { services: [{ ...service, containers: service.containers.map((c) => ({ ...c, drain })) }] };
};

describe('what is worth a report', () => {
  it.each<[string, Partial<Status>, Partial<Status>]>([
    ['when it was made', { at: 'a' }, { at: 'b' }],
    ['when the source was asked', source({ checkedAt: 'a' }), source({ checkedAt: 'b' })],
    ['when it is asked again', source({ nextAt: 'a' }), source({ nextAt: null })],
    ['how reporting goes', { report: null }, { report: { url: '', sentAt: 'a', message: 'b' } }],
    ['the sessions of the edge', { edge: edge(1) }, { edge: edge(2) }],
    ['the sessions that a drain still waits for', draining(1), draining(2)],
  ])('is not %s', (_what, one, other) => {
    expect(fingerprintOf(hostStatus(one))).toBe(fingerprintOf(hostStatus(other)));
  });

  it.each<[string, Partial<Status>]>([
    ['an outcome', { outcome: 'blocked' }],
    ['a service', { services: [serviceStatus({ message: 'm' })] }],
    ['a source that is away', source({ reachable: false })],
    ['the edge', { edge: edge(1) }],
    ['a problem', { problems: [{ code: 'TRUST', message: '', advice: '' }] }],
  ])('is %s', (_what, change) => {
    expect(fingerprintOf(hostStatus(change))).not.toBe(fingerprintOf(hostStatus()));
  });
});

const sent = (status: Status): Status => JSON.parse(reportText(status)) as Status;

describe('the report', () => {
  const failure: FailureStatus = {
    version: '1',
    release: 'a'.repeat(64),
    attempt: 0,
    reason: 'crashed',
    message: 'm',
    at: '2026-11-23T09:59:00Z',
    log: Array.from({ length: 20 }, (_, line) => `${String(line)} ${'x'.repeat(600)}`),
  };
  const many = (count: number): Status =>
    hostStatus({
      services: Array.from({ length: count }, (_, index) =>
        serviceStatus({ service: `web-${String(index)}`, failure }),
      ),
    });

  it('is the status document, as a hub takes it', () => {
    const status = hostStatus({ report: { url: 'https://hub', sentAt: null, message: null } });
    expect(sent(status)).toEqual(status);
    expect(readReport(Buffer.from(reportText(status)), 'staging', 'web-1').kind).toBe('report');
  });

  it.each([
    [10, 20, 1],
    [50, 5, 1],
    [150, 1, 1],
    [400, 0, 0],
  ])('of %i failed services keeps %i lines of their logs and %i containers', (count, lines, containers) => {
    const text = reportText(many(count));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(REPORT_CAP_BYTES);
    const { services } = JSON.parse(text) as Status;
    expect(services).toHaveLength(count);
    expect(services[0]?.containers).toHaveLength(containers);
    expect(services[0]?.failure?.log).toEqual(lines === 0 ? [] : failure.log.slice(-lines));
  });

  it('fits whatever a host has', () => {
    const text = reportText(many(5000));
    expect(Buffer.byteLength(text)).toBeLessThanOrEqual(REPORT_CAP_BYTES);
    expect(readReport(Buffer.from(text), 'staging', 'web-1').kind).toBe('report');
  });
});
