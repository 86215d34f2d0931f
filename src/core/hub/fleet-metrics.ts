import type { HostLabels } from '../fleet/host-labels.ts';
import { family, type Sample } from '../metrics/exposition.ts';
import { labelSamples } from '../metrics/label-samples.ts';
import type { EpochMs } from '../time.ts';
import { CHANGE_STATES, type RolloutStatus } from '../turns/rollout-status.ts';
import { HOLDER_STATES } from '../turns/turn-request.ts';
import { OUTCOMES, VERDICT_WORDS } from '../vocabulary/outcomes.ts';

export interface HostFacts {
  readonly host: string;
  readonly receivedAtMs: EpochMs;
  readonly serial: number | null;
  readonly labels?: HostLabels | undefined;
}

/** Hosts by a word. */
export type WordCounts = ReadonlyMap<string, number>;

export interface EnvironmentFacts {
  readonly environment: string;
  /** Undefined if nothing is published. */
  readonly serial: number | undefined;
  readonly outcomes: WordCounts;
  /** By the word of the verdict. */
  readonly verdicts: WordCounts;
  /** Undefined if they are more than `MOST_LISTED`. */
  readonly hosts: readonly HostFacts[] | undefined;
}

export interface FleetFacts {
  readonly environments: readonly EnvironmentFacts[];
  /** Of environments whose hosts take turns. */
  readonly rollouts: readonly Pick<RolloutStatus, 'environment' | 'holders' | 'changes'>[];
}

/** An answer must not grow with the fleet: of more hosts there is no time series for each one. */
export const MOST_LISTED = 1_000;

/** One label for all unknown words: hosts must not be able to create new time series. */
const UNKNOWN = 'unknown';

const countsBy = (
  label: string,
  known: readonly string[],
  counts: WordCounts,
  environment: string,
): Sample[] => {
  const unknown = [...counts].reduce((sum, [word, hosts]) => (known.includes(word) ? sum : sum + hosts), 0);
  return [
    ...known.map((word): Sample => [{ environment, [label]: word }, counts.get(word) ?? 0]),
    [{ environment, [label]: UNKNOWN }, unknown],
  ];
};

/** An environment without a reporting host has not converged. */
const isConverged = ({ verdicts }: EnvironmentFacts): boolean =>
  verdicts.size > 0 && [...verdicts].every(([word, hosts]) => word === 'converged' || hosts === 0);

const NOT_FOR_MANY = `Not for environments with more than ${String(MOST_LISTED)} hosts.`;

const environmentFamilies = (environments: readonly EnvironmentFacts[]): readonly string[] => {
  const each = (samplesOf: (environment: string, host: HostFacts) => readonly Sample[]): Sample[] =>
    environments.flatMap(({ environment, hosts = [] }) =>
      hosts.flatMap((host) => samplesOf(environment, host)),
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
      environments.flatMap(({ environment, outcomes }) =>
        countsBy('outcome', OUTCOMES, outcomes, environment),
      ),
    ),
    ...family(
      'gauge',
      'supercargo_hub_verdicts',
      'Hosts by their verdict, as the page and fleet show it.',
      environments.flatMap(({ environment, verdicts }) =>
        countsBy('verdict', VERDICT_WORDS, verdicts, environment),
      ),
    ),
    ...family(
      'gauge',
      'supercargo_hub_converged',
      'Whether every host runs what is published and needs no look; 0 where none has reported.',
      environments.map((facts): Sample => [{ environment: facts.environment }, Number(isConverged(facts))]),
    ),
    ...family(
      'gauge',
      'supercargo_hub_lists_hosts',
      'Whether there are metrics of each host.',
      environments.map(({ environment, hosts }): Sample => [{ environment }, Number(hosts !== undefined)]),
    ),
    ...family(
      'gauge',
      'supercargo_hub_host_serial',
      `Serial that a host has accepted. ${NOT_FOR_MANY}`,
      each((environment, { host, serial }) => (serial === null ? [] : [[{ environment, host }, serial]])),
    ),
    ...family(
      'gauge',
      'supercargo_hub_host_labels',
      `The labels that a host reports. ${NOT_FOR_MANY}`,
      each((environment, { host, labels }) => labelSamples({ environment, host }, labels)),
    ),
    ...family(
      'gauge',
      'supercargo_hub_host_report_timestamp_seconds',
      `When the last report of a host came. ${NOT_FOR_MANY}`,
      each((environment, { host, receivedAtMs }) => [[{ environment, host }, receivedAtMs / 1000]]),
    ),
  ];
};

const countBy = <W extends string>(
  words: readonly W[],
  found: readonly { readonly state: W }[],
  environment: string,
): Sample[] =>
  words.map((word) => [{ environment, state: word }, found.filter(({ state }) => state === word).length]);

/** Nothing where no host takes turns. */
const rolloutFamilies = ({ rollouts }: FleetFacts): readonly string[] =>
  rollouts.length === 0
    ? []
    : [
        ...family(
          'gauge',
          'supercargo_hub_turns',
          'Places of services that hosts take, by how they take them.',
          rollouts.flatMap(({ environment, holders }) => countBy(HOLDER_STATES, holders, environment)),
        ),
        ...family(
          'gauge',
          'supercargo_hub_changes',
          'Changes that are not overtaken, by how far they are.',
          rollouts.flatMap(({ environment, changes }) => countBy(CHANGE_STATES, changes, environment)),
        ),
      ];

/** Equal at every hub of a store. */
export const fleetFamilies = (facts: FleetFacts): readonly string[] => [
  ...environmentFamilies(facts.environments),
  ...rolloutFamilies(facts),
];

/** The response to `/metrics/fleet`. */
export const renderFleetMetrics = (facts: FleetFacts): string => `${fleetFamilies(facts).join('\n')}\n`;
