import { family, type Sample } from '../metrics/exposition.ts';
import { fleetFamilies, type FleetFacts } from './fleet-metrics.ts';
import { SECRET_KINDS, type SecretKind } from './secrets.ts';
import { TURN_ANSWERS } from '../turns/turn-request.ts';

export interface HubFacts {
  readonly version: string;
  /** Undefined if other hubs tell the same of it. */
  readonly fleet: FleetFacts | undefined;
  /** Hosts of some environment take turns. */
  readonly takesTurns: boolean;
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

/** Nothing where no host takes turns. */
const turnFamilies = ({ takesTurns, turnAnswers }: HubFacts): readonly string[] =>
  takesTurns
    ? family(
        'counter',
        'supercargo_hub_turn_requests_total',
        'Requests for a turn that were answered.',
        [...TURN_ANSWERS, 'refused'].map((answer): Sample => [{ answer }, turnAnswers.get(answer) ?? 0]),
      )
    : [];

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
    ...(facts.fleet ? fleetFamilies(facts.fleet) : []),
    ...turnFamilies(facts),
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
