import type { HostLabels } from '../fleet/host-labels.ts';
import { family, type Sample } from '../metrics/exposition.ts';
import { labelSamples } from '../metrics/label-samples.ts';
import type { EpochMs } from '../time.ts';
import { SECRET_KINDS, type SecretKind } from './secrets.ts';
import { CHANGE_STATES, type RolloutStatus } from '../turns/rollout-status.ts';
import { HOLDER_STATES, TURN_ANSWERS } from '../turns/turn-request.ts';
import { OUTCOMES, VERDICT_WORDS } from '../vocabulary/outcomes.ts';

export interface HostFacts {
  readonly host: string;
  readonly receivedAtMs: EpochMs;
  readonly outcome: string;
  /** The verdict's word. */
  readonly verdict: string;
  readonly serial: number | null;
  readonly labels?: HostLabels | undefined;
}

export interface EnvironmentFacts {
  readonly environment: string;
  /** Undefined if nothing is published. */
  readonly serial: number | undefined;
  readonly hosts: readonly HostFacts[];
}

export interface HubFacts {
  readonly version: string;
  readonly environments: readonly EnvironmentFacts[];
  /** Of environments whose hosts take turns. */
  readonly rollouts: readonly Pick<RolloutStatus, 'environment' | 'holders' | 'changes'>[];
  /** Number of requests for turns by their answer. */
  readonly turnAnswers: ReadonlyMap<string, number>;
  readonly connections: number;
  readonly heldPolls: number;
  readonly watchers: number;
  /** Number of responses by method and status. */
  readonly answers: ReadonlyMap<string, number>;
  readonly publishes: number;
  readonly refusedPublishes: number;
  readonly reports: number;
  readonly archives: number;
  readonly failedWrites: number;
  /** Uses of secrets that a newer one has replaced. */
  readonly previousSecrets: ReadonlyMap<SecretKind, number>;
  readonly residentBytes: number;
  /** 0 if unknown. */
  readonly maxFiles: number;
}

/** One label for all unknown words: hosts must not be able to create new time series. */
const UNKNOWN = 'unknown';

const hostsBy =
  (label: 'outcome' | 'verdict', known: readonly string[]) =>
  ({ environment, hosts }: EnvironmentFacts): Sample[] =>
    [...known, UNKNOWN].map((word) => [
      { environment, [label]: word },
      hosts.filter((host) => (known.includes(host[label]) ? host[label] : UNKNOWN) === word).length,
    ]);

/** An environment without a reporting host has not converged. */
const isConverged = ({ hosts }: EnvironmentFacts): boolean =>
  hosts.length > 0 && hosts.every(({ verdict }) => verdict === 'converged');

const environmentFamilies = (environments: readonly EnvironmentFacts[]): readonly string[] => {
  const perHost = (valueOf: (host: HostFacts) => number | null): Sample[] =>
    environments.flatMap(({ environment, hosts }) =>
      hosts.flatMap((facts): Sample[] => {
        const value = valueOf(facts);
        return value === null ? [] : [[{ environment, host: facts.host }, value]];
      }),
    );
  return [
    ...family(
      'gauge',
      'supercargo_hub_manifest_serial',
      'Serial of the current manifest.',
      environments.flatMap(({ environment, serial }): Sample[] =>
        serial === undefined ? [] : [[{ environment }, serial]],
      ),
    ),
    ...family(
      'gauge',
      'supercargo_hub_hosts',
      'Hosts by what they last reported.',
      environments.flatMap(hostsBy('outcome', OUTCOMES)),
    ),
    ...family(
      'gauge',
      'supercargo_hub_verdicts',
      'Hosts by their verdict, as the page and fleet show it.',
      environments.flatMap(hostsBy('verdict', VERDICT_WORDS)),
    ),
    ...family(
      'gauge',
      'supercargo_hub_converged',
      'Whether every host runs what is published and needs no look; 0 where none has reported.',
      environments.map((facts): Sample => [{ environment: facts.environment }, Number(isConverged(facts))]),
    ),
    ...family(
      'gauge',
      'supercargo_hub_host_serial',
      'Serial that a host has accepted.',
      perHost(({ serial }) => serial),
    ),
    ...family(
      'gauge',
      'supercargo_hub_host_labels',
      'The labels that a host reports.',
      environments.flatMap(({ environment, hosts }) =>
        hosts.flatMap(({ host, labels }) => labelSamples({ environment, host }, labels)),
      ),
    ),
    ...family(
      'gauge',
      'supercargo_hub_host_report_timestamp_seconds',
      'When the last report of a host came.',
      perHost(({ receivedAtMs }) => receivedAtMs / 1000),
    ),
  ];
};

const countBy = <W extends string>(
  label: string,
  words: readonly W[],
  found: readonly { readonly state: W }[],
  more: Readonly<Record<string, string>>,
): Sample[] =>
  words.map((word) => [{ ...more, [label]: word }, found.filter(({ state }) => state === word).length]);

/** Nothing where no host takes turns. */
const rolloutFamilies = ({ rollouts, turnAnswers }: HubFacts): readonly string[] =>
  rollouts.length === 0
    ? []
    : [
        ...family(
          'gauge',
          'supercargo_hub_turns',
          'Places of services that hosts take, by how they take them.',
          rollouts.flatMap(({ environment, holders }) =>
            countBy('state', HOLDER_STATES, holders, { environment }),
          ),
        ),
        ...family(
          'gauge',
          'supercargo_hub_changes',
          'Changes that are not overtaken, by how far they are.',
          rollouts.flatMap(({ environment, changes }) =>
            countBy('state', CHANGE_STATES, changes, { environment }),
          ),
        ),
        ...family(
          'counter',
          'supercargo_hub_turn_requests_total',
          'Requests for a turn that were answered.',
          [...TURN_ANSWERS, 'refused'].map((answer): Sample => [{ answer }, turnAnswers.get(answer) ?? 0]),
        ),
      ];

const gauge = (name: string, help: string, value: number): readonly string[] =>
  family('gauge', name, help, [[{}, value]]);
const counter = (name: string, help: string, value: number): readonly string[] =>
  family('counter', name, help, [[{}, value]]);

/** The response to `/metrics`. */
export const renderMetrics = (facts: HubFacts): string => {
  const answers = [...facts.answers]
    .toSorted(([a], [b]) => (a < b ? -1 : 1))
    .map(([key, count]): Sample => {
      const [method = '', code = ''] = key.split(' ');
      return [{ method, code }, count];
    });
  const lines = [
    ...family('gauge', 'supercargo_hub_info', 'The version that runs.', [[{ version: facts.version }, 1]]),
    ...environmentFamilies(facts.environments),
    ...rolloutFamilies(facts),
    ...gauge('supercargo_hub_connections', 'Open connections.', facts.connections),
    ...gauge('supercargo_hub_held_polls', 'Long polls that wait for a change.', facts.heldPolls),
    ...gauge('supercargo_hub_watchers', 'Open streams of /events.', facts.watchers),
    ...family('counter', 'supercargo_hub_requests_total', 'Requests that were answered.', answers),
    ...counter('supercargo_hub_publishes_total', 'Manifests that became current.', facts.publishes),
    ...counter(
      'supercargo_hub_refused_publishes_total',
      'Manifests that were refused.',
      facts.refusedPublishes,
    ),
    ...counter('supercargo_hub_reports_total', 'Reports that were taken.', facts.reports),
    ...counter('supercargo_hub_archives_total', 'Archives that were taken.', facts.archives),
    ...counter(
      'supercargo_hub_failed_writes_total',
      'Documents that could not be written to disk.',
      facts.failedWrites,
    ),
    ...family(
      'counter',
      'supercargo_hub_previous_secret_uses_total',
      'Uses of the earlier one of two secrets.',
      SECRET_KINDS.map((secret): Sample => [{ secret }, facts.previousSecrets.get(secret) ?? 0]),
    ),
    ...gauge('process_resident_memory_bytes', 'Memory of the hub.', facts.residentBytes),
    ...gauge('process_max_fds', 'Files and connections that the hub may have open.', facts.maxFiles),
  ];
  return `${lines.join('\n')}\n`;
};
