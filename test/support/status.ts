import type { ServiceStatus, Status } from '../../src/core/status/status-document.ts';

export const NOW_MS = Date.parse('2026-11-23T10:00:00Z');
const earlier = (ms: number): string => new Date(NOW_MS - ms).toISOString();

export const serviceStatus = (change: Partial<ServiceStatus> = {}): ServiceStatus => ({
  service: 'web',
  outcome: 'converged',
  reason: null,
  message: null,
  advice: null,
  since: earlier(120_000),
  until: null,
  desired: { version: '1.1.0', release: 'ab12cd34'.repeat(8) },
  rolledBack: null,
  failure: null,
  progress: null,
  containers: [
    {
      id: 'f'.repeat(64),
      name: 'staging-web-1-ab12cd34',
      replica: 1,
      version: '1.1.0',
      release: 'ab12cd34'.repeat(8),
      role: 'serving',
      state: 'running',
      health: 'healthy',
      since: earlier(60_000),
      drain: null,
    },
  ],
  ...change,
});

export const hostStatus = (change: Partial<Status> = {}): Status => ({
  apiVersion: 'supercargo/status/v1',
  environment: 'staging',
  host: 'web-1',
  at: earlier(0),
  outcome: 'converged',
  agent: { running: true, version: '0.1.0', pid: 7, since: earlier(3_600_000) },
  engine: { online: true, version: '20.10.24', apiVersion: '1.41', message: null, advice: null },
  manifest: {
    state: 'accepted',
    serial: 418,
    epoch: 1,
    signed: true,
    issuedAt: earlier(300_000),
    expiresAt: null,
    acceptedAt: earlier(180_000),
    publisher: { name: 'jenkins', build: '1234', url: null },
    rejection: null,
    source: { reachable: true, checkedAt: earlier(10_000), message: null, advice: null, nextAt: null },
    ignored: [],
  },
  hold: null,
  services: [serviceStatus()],
  edge: null,
  problems: [],
  ...change,
});
