import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { family } from '../../../../src/core/metrics/exposition.ts';
import { renderHostMetrics, type DeployCounts } from '../../../../src/core/metrics/host-metrics.ts';
import type { Status } from '../../../../src/core/status/status-document.ts';
import { hostStatus, serviceStatus } from '../../../support/status.ts';

const samples = (change: Partial<Status> = {}, deploys: readonly DeployCounts[] = []): readonly string[] =>
  renderHostMetrics(hostStatus(change), deploys)
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));

const names = (lines: readonly string[]): readonly string[] => [
  ...new Set(lines.map((line) => line.replace(/[{ ].*/, ''))),
];

const EVERYTHING: Partial<Status> = {
  labels: { zone: 'a' },
  report: { url: 'https://hub/reports/staging/web-1.json', sentAt: '2026-11-23T10:00:00Z', message: null },
  manifest: { ...hostStatus().manifest, expiresAt: '2026-12-23T10:00:00Z' },
  edge: {
    outcome: 'waiting',
    reason: null,
    message: null,
    advice: null,
    until: null,
    containers: [
      { id: 'a', name: 'a', role: 'serving', state: 'running', version: '3.2.4', sessions: 5 },
      { id: 'b', name: 'b', role: 'leaving', state: 'running', version: null, sessions: null },
    ],
  },
};

describe('the metrics of a host', () => {
  it('are one text, whole', () => {
    const [container] = serviceStatus().containers;
    if (!container) throw new Error('a service without a container');
    const retired = { ...container, role: 'retired' as const };
    const text = renderHostMetrics(
      hostStatus({
        ...EVERYTHING,
        outcome: 'rolled-back',
        services: [
          serviceStatus({
            outcome: 'rolled-back',
            containers: [container, { ...container, id: '2' }, retired],
          }),
        ],
      }),
      [{ service: 'web', proved: 3, failed: 1 }],
    );
    expect(text).toMatchInlineSnapshot(`
      "# HELP supercargo_build_info The agent that runs.
      # TYPE supercargo_build_info gauge
      supercargo_build_info{environment="staging",version="0.1.0"} 1
      # HELP supercargo_host_labels The labels of the host.
      # TYPE supercargo_host_labels gauge
      supercargo_host_labels{environment="staging",zone="a"} 1
      # HELP supercargo_host_outcome What the host is at.
      # TYPE supercargo_host_outcome gauge
      supercargo_host_outcome{environment="staging",outcome="converged"} 0
      supercargo_host_outcome{environment="staging",outcome="progressing"} 0
      supercargo_host_outcome{environment="staging",outcome="waiting"} 0
      supercargo_host_outcome{environment="staging",outcome="rolled-back"} 1
      supercargo_host_outcome{environment="staging",outcome="blocked"} 0
      supercargo_host_outcome{environment="staging",outcome="offline"} 0
      # HELP supercargo_status_timestamp_seconds When this was written.
      # TYPE supercargo_status_timestamp_seconds gauge
      supercargo_status_timestamp_seconds{environment="staging"} 1795428000
      # HELP supercargo_engine_online Whether the Docker engine answers.
      # TYPE supercargo_engine_online gauge
      supercargo_engine_online{environment="staging"} 1
      # HELP supercargo_hold Whether an operator holds switches back.
      # TYPE supercargo_hold gauge
      supercargo_hold{environment="staging"} 0
      # HELP supercargo_drained Whether an operator takes the host out of service.
      # TYPE supercargo_drained gauge
      supercargo_drained{environment="staging"} 0
      # HELP supercargo_problems Problems of the host rather than of one service.
      # TYPE supercargo_problems gauge
      supercargo_problems{environment="staging"} 0
      # HELP supercargo_manifest_serial Serial of the accepted manifest.
      # TYPE supercargo_manifest_serial gauge
      supercargo_manifest_serial{environment="staging"} 418
      # HELP supercargo_manifest_rejected Whether the offered manifest is refused.
      # TYPE supercargo_manifest_rejected gauge
      supercargo_manifest_rejected{environment="staging"} 0
      # HELP supercargo_manifest_expiry_timestamp_seconds When the accepted manifest expires.
      # TYPE supercargo_manifest_expiry_timestamp_seconds gauge
      supercargo_manifest_expiry_timestamp_seconds{environment="staging"} 1798020000
      # HELP supercargo_manifest_source_reachable Whether the last look at the manifest source worked.
      # TYPE supercargo_manifest_source_reachable gauge
      supercargo_manifest_source_reachable{environment="staging"} 1
      # HELP supercargo_manifest_poll_timestamp_seconds When the manifest source was last asked.
      # TYPE supercargo_manifest_poll_timestamp_seconds gauge
      supercargo_manifest_poll_timestamp_seconds{environment="staging"} 1795427990
      # HELP supercargo_service_outcome What a service is at.
      # TYPE supercargo_service_outcome gauge
      supercargo_service_outcome{environment="staging",service="web",outcome="converged"} 0
      supercargo_service_outcome{environment="staging",service="web",outcome="progressing"} 0
      supercargo_service_outcome{environment="staging",service="web",outcome="waiting"} 0
      supercargo_service_outcome{environment="staging",service="web",outcome="rolled-back"} 1
      supercargo_service_outcome{environment="staging",service="web",outcome="blocked"} 0
      supercargo_service_outcome{environment="staging",service="web",outcome="offline"} 0
      # HELP supercargo_service_replicas Containers of a service by role.
      # TYPE supercargo_service_replicas gauge
      supercargo_service_replicas{environment="staging",service="web",role="serving"} 2
      supercargo_service_replicas{environment="staging",service="web",role="candidate"} 0
      supercargo_service_replicas{environment="staging",service="web",role="draining"} 0
      supercargo_service_replicas{environment="staging",service="web",role="retired"} 1
      supercargo_service_replicas{environment="staging",service="web",role="failed"} 0
      # HELP supercargo_edge_outcome What the edge is at.
      # TYPE supercargo_edge_outcome gauge
      supercargo_edge_outcome{environment="staging",outcome="converged"} 0
      supercargo_edge_outcome{environment="staging",outcome="progressing"} 0
      supercargo_edge_outcome{environment="staging",outcome="waiting"} 1
      supercargo_edge_outcome{environment="staging",outcome="rolled-back"} 0
      supercargo_edge_outcome{environment="staging",outcome="blocked"} 0
      supercargo_edge_outcome{environment="staging",outcome="offline"} 0
      # HELP supercargo_edge_sessions Sessions through the edge.
      # TYPE supercargo_edge_sessions gauge
      supercargo_edge_sessions{environment="staging"} 5
      # HELP supercargo_deploys_total Releases that were tried since the agent started.
      # TYPE supercargo_deploys_total counter
      supercargo_deploys_total{environment="staging",service="web",result="proved"} 3
      supercargo_deploys_total{environment="staging",service="web",result="failed"} 1
      # HELP supercargo_report_timestamp_seconds When the report store last took a report.
      # TYPE supercargo_report_timestamp_seconds gauge
      supercargo_report_timestamp_seconds{environment="staging"} 1795428000
      "
    `);
  });

  it('have one line for each outcome, and only one of them is 1', () => {
    const lines = samples({ outcome: 'blocked' }).filter((l) => l.startsWith('supercargo_host_outcome'));
    expect(lines).toHaveLength(6);
    expect(lines.filter((line) => line.endsWith(' 1'))).toEqual([
      'supercargo_host_outcome{environment="staging",outcome="blocked"} 1',
    ]);
  });

  it.each<[string, Partial<Status>, string]>([
    [
      'a refused manifest',
      { manifest: { ...hostStatus().manifest, state: 'rejected' } },
      'supercargo_manifest_rejected{environment="staging"} 1',
    ],
    [
      'an engine that is away',
      { engine: { ...hostStatus().engine, online: false } },
      'supercargo_engine_online{environment="staging"} 0',
    ],
    [
      'a hold',
      { hold: { reason: '', owner: '', since: '', until: null, all: false } },
      'supercargo_hold{environment="staging"} 1',
    ],
    [
      'a drain',
      { draining: { reason: '', owner: '', since: '', until: null, done: false } },
      'supercargo_drained{environment="staging"} 1',
    ],
    [
      'labels',
      { labels: { zone: 'a', 'example.com/role': 'web' } },
      'supercargo_host_labels{environment="staging",zone="a",example_com_role="web"} 1',
    ],
    [
      'problems',
      { problems: [{ code: 'COMPOSE', message: '', advice: '' }] },
      'supercargo_problems{environment="staging"} 1',
    ],
  ])('tell %s', (_what, change, line) => {
    expect(samples(change)).toContain(line);
  });

  it('leave out what is not known', () => {
    const { manifest } = hostStatus();
    const source = { ...manifest.source, reachable: null, checkedAt: null };
    const bare = samples({ manifest: { ...manifest, serial: null, source }, services: [], report: null });
    expect(names(samples(EVERYTHING)).filter((name) => !names(bare).includes(name))).toEqual([
      'supercargo_host_labels',
      'supercargo_manifest_serial',
      'supercargo_manifest_expiry_timestamp_seconds',
      'supercargo_manifest_source_reachable',
      'supercargo_manifest_poll_timestamp_seconds',
      'supercargo_service_outcome',
      'supercargo_service_replicas',
      'supercargo_edge_outcome',
      'supercargo_edge_sessions',
      'supercargo_report_timestamp_seconds',
    ]);
  });

  it('are all in docs/DOCUMENTS.md, and no other', () => {
    const reference = readFileSync(join(import.meta.dirname, '../../../../docs/DOCUMENTS.md'), 'utf8');
    const section = reference.split('## Metrics of a host')[1]?.split('\n## ')[0] ?? '';
    const listed = [...section.matchAll(/^\| `(supercargo_\w+)`/gm)].map((match) => match[1] ?? '');
    const written = names(samples(EVERYTHING, [{ service: 'web', proved: 0, failed: 0 }]));
    expect(listed.toSorted()).toEqual(written.toSorted());
  });

  it('escape what labels may hold', () => {
    expect(family('gauge', 'a', 'Help.', [[{ b: 'c"d\\e\nf' }, 1]])).toEqual([
      '# HELP a Help.',
      '# TYPE a gauge',
      'a{b="c\\"d\\\\e\\nf"} 1',
    ]);
  });
});
