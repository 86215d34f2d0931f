import type { Status } from '../status/status-document.ts';
import { family as familyOf, type Sample } from './exposition.ts';
import { labelSamples } from './label-samples.ts';
import { CONTAINER_ROLES } from '../vocabulary/roles.ts';
import { OUTCOMES, type Outcome } from '../vocabulary/outcomes.ts';

/** Releases that this agent has tried since its start. */
export interface DeployCounts {
  readonly service: string;
  readonly proved: number;
  readonly failed: number;
}

/** Leaves out a metric without samples. */
const family = (...metric: Parameters<typeof familyOf>): readonly string[] =>
  metric[3].length === 0 ? [] : familyOf(...metric);

/** One sample per outcome, 1 for the current one, so that an alert needs no text. */
const outcomeSamples = (labels: Sample[0], held: Outcome): readonly Sample[] =>
  OUTCOMES.map((outcome) => [{ ...labels, outcome }, outcome === held ? 1 : 0]);

const flag = (value: boolean): number => (value ? 1 : 0);

/** Seconds since the epoch; no sample if there is no time. */
const timeSamples = (labels: Sample[0], iso: string | null | undefined): readonly Sample[] =>
  iso === null || iso === undefined ? [] : [[labels, Date.parse(iso) / 1000]];

type Labels = Sample[0];

const hostFamilies = (status: Status, env: Labels): readonly string[] => [
  ...family('gauge', 'supercargo_build_info', 'The agent that runs.', [
    [{ ...env, version: status.agent.version }, 1],
  ]),
  ...family('gauge', 'supercargo_host_labels', 'The labels of the host.', labelSamples(env, status.labels)),
  ...family('gauge', 'supercargo_host_outcome', 'What the host is at.', outcomeSamples(env, status.outcome)),
  ...family('gauge', 'supercargo_status_timestamp_seconds', 'When this was written.', [
    ...timeSamples(env, status.at),
  ]),
  ...family('gauge', 'supercargo_engine_online', 'Whether the Docker engine answers.', [
    [env, flag(status.engine.online)],
  ]),
  ...family('gauge', 'supercargo_hold', 'Whether an operator holds switches back.', [
    [env, flag(status.hold !== null)],
  ]),
  ...family('gauge', 'supercargo_drained', 'Whether an operator takes the host out of service.', [
    [env, flag((status.draining ?? null) !== null)],
  ]),
  ...family('gauge', 'supercargo_problems', 'Problems of the host rather than of one service.', [
    [env, status.problems.length],
  ]),
];

const manifestFamilies = ({ manifest }: Status, env: Labels): readonly string[] => [
  ...family(
    'gauge',
    'supercargo_manifest_serial',
    'Serial of the accepted manifest.',
    manifest.serial === null ? [] : [[env, manifest.serial]],
  ),
  ...family('gauge', 'supercargo_manifest_rejected', 'Whether the offered manifest is refused.', [
    [env, flag(manifest.state === 'rejected')],
  ]),
  ...family('gauge', 'supercargo_manifest_expiry_timestamp_seconds', 'When the accepted manifest expires.', [
    ...timeSamples(env, manifest.expiresAt),
  ]),
  ...family(
    'gauge',
    'supercargo_manifest_source_reachable',
    'Whether the last look at the manifest source worked.',
    manifest.source.reachable === null ? [] : [[env, flag(manifest.source.reachable)]],
  ),
  ...family(
    'gauge',
    'supercargo_manifest_poll_timestamp_seconds',
    'When the manifest source was last asked.',
    [...timeSamples(env, manifest.source.checkedAt)],
  ),
];

const serviceFamilies = ({ services }: Status, env: Labels): readonly string[] => [
  ...family(
    'gauge',
    'supercargo_service_outcome',
    'What a service is at.',
    services.flatMap(({ service, outcome }) => outcomeSamples({ ...env, service }, outcome)),
  ),
  ...family(
    'gauge',
    'supercargo_service_replicas',
    'Containers of a service by role.',
    services.flatMap(({ service, containers }) =>
      CONTAINER_ROLES.map((role): Sample => [
        { ...env, service, role },
        containers.filter((container) => container.role === role).length,
      ]),
    ),
  ),
];

const edgeFamilies = ({ edge }: Status, env: Labels): readonly string[] =>
  edge === null
    ? []
    : [
        ...family(
          'gauge',
          'supercargo_edge_outcome',
          'What the edge is at.',
          outcomeSamples(env, edge.outcome),
        ),
        ...family('gauge', 'supercargo_edge_sessions', 'Sessions through the edge.', [
          [env, edge.containers.reduce((sum, { sessions }) => sum + (sessions ?? 0), 0)],
        ]),
      ];

const deployFamilies = (deploys: readonly DeployCounts[], env: Labels): readonly string[] =>
  family(
    'counter',
    'supercargo_deploys_total',
    'Releases that were tried since the agent started.',
    deploys.flatMap(({ service, proved, failed }): Sample[] => [
      [{ ...env, service, result: 'proved' }, proved],
      [{ ...env, service, result: 'failed' }, failed],
    ]),
  );

/** The whole file in Prometheus text format 0.0.4. Names and labels are part of the public contract. */
export const renderHostMetrics = (status: Status, deploys: readonly DeployCounts[]): string => {
  const env = { environment: status.environment };
  const lines = [
    ...hostFamilies(status, env),
    ...manifestFamilies(status, env),
    ...serviceFamilies(status, env),
    ...edgeFamilies(status, env),
    ...deployFamilies(deploys, env),
    ...family('gauge', 'supercargo_report_timestamp_seconds', 'When the report store last took a report.', [
      ...timeSamples(env, status.report?.sentAt),
    ]),
  ];
  return `${lines.join('\n')}\n`;
};
