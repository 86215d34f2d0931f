import { expect, it } from 'vitest';
import { renderMetrics } from '../../../../src/core/hub/hub-metrics.ts';

it('metrics are valid for Prometheus, whatever a label holds', () => {
  const text = renderMetrics({
    version: '1 "x" \\ \n',
    fleet: {
      rollouts: [],
      environments: [
        {
          environment: 'staging',
          serial: 7,
          outcomes: new Map([
            ['rolled-back', 1],
            ['converged', 1],
            ['hibernating', 1],
          ]),
          verdicts: new Map([
            ['behind', 1],
            ['converged', 1],
            ['hibernating', 1],
          ]),
          hosts: [
            {
              host: 'web-1',
              receivedAtMs: 1500,
              serial: 6,
              labels: { zone: 'a', host: 'x"', 'rack.1': 'r' },
            },
            {
              host: 'web-2',
              receivedAtMs: 2000,
              serial: null,
              labels: {},
            },
            { host: 'web-3', receivedAtMs: 2000, serial: null },
          ],
        },
        { environment: 'empty', serial: undefined, outcomes: new Map(), verdicts: new Map(), hosts: [] },
        {
          environment: 'large',
          serial: 7,
          outcomes: new Map([['converged', 1001]]),
          verdicts: new Map([['converged', 1001]]),
          hosts: undefined,
        },
      ],
    },
    takesTurns: false,
    turnAnswers: new Map(),
    connections: 3,
    heldPolls: 2,
    watchers: 1,
    answers: new Map([['GET 200', 5]]),
    publishes: 1,
    refusedPublishes: 0,
    reports: 9,
    archives: 3,
    failedWrites: 0,
    previousSecrets: new Map([['report', 2]]),
    residentBytes: 1024,
    maxFiles: 20_000,
  });
  const lines = text.trimEnd().split('\n');
  expect(lines).toContain('supercargo_hub_info{version="1 \\"x\\" \\\\ \\n"} 1');
  expect(lines).toContain('supercargo_hub_hosts{environment="staging",outcome="rolled-back"} 1');
  expect(lines).toContain('supercargo_hub_hosts{environment="empty",outcome="converged"} 0');
  expect(lines).toContain('supercargo_hub_hosts{environment="staging",outcome="unknown"} 1');
  expect(lines).toContain('supercargo_hub_verdicts{environment="staging",verdict="behind"} 1');
  expect(lines).toContain('supercargo_hub_verdicts{environment="staging",verdict="unknown"} 1');
  expect(lines).toContain('supercargo_hub_converged{environment="staging"} 0');
  expect(lines).toContain('supercargo_hub_converged{environment="empty"} 0');
  expect(lines).toContain('supercargo_hub_converged{environment="large"} 1');
  expect(lines).toContain('supercargo_hub_lists_hosts{environment="staging"} 1');
  expect(lines).toContain('supercargo_hub_lists_hosts{environment="large"} 0');
  expect(lines).toContain(
    'supercargo_hub_host_report_timestamp_seconds{environment="staging",host="web-1"} 1.5',
  );
  expect(lines.filter((line) => line.startsWith('supercargo_hub_host_serial'))).toHaveLength(1);
  // A label that no agent of this version can have is left out.
  expect(lines.filter((line) => line.startsWith('supercargo_hub_host_labels'))).toEqual([
    'supercargo_hub_host_labels{environment="staging",host="web-1",zone="a",rack_1="r"} 1',
  ]);
  expect(lines).toContain('supercargo_hub_previous_secret_uses_total{secret="report"} 2');
  expect(lines).toContain('supercargo_hub_previous_secret_uses_total{secret="read"} 0');
  const sample = /^[a-z_]+(\{([a-zA-Z_]\w*="([^"\\\n]|\\["\\n])*",?)+\})? [-+0-9.e]+$/;
  expect(lines.filter((line) => !line.startsWith('#') && !sample.test(line))).toEqual([]);
  expect(text.endsWith('\n')).toBe(true);
});
