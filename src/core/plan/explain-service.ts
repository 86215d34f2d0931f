import type { ContainerSpec } from '../compose/project-model.ts';
import { sortedPorts } from '../compose/ports.ts';
import { formatImage } from '../image/reference.ts';
import { serviceRecord } from '../state/ledger.ts';
import type { Release, ReleaseSpec } from '../state/release.ts';
import { withoutValues } from '../state/redact.ts';
import type { EpochMs } from '../time.ts';
import type { Action } from './action.ts';
import { subjectOf } from './action-details.ts';
import type { ForeignContainer } from '../status/status-document.ts';
import { dryRun } from './dry-run.ts';
import type { PlanInput } from './plan-input.ts';
import type { Decision, ServicePlan } from './host-plan.ts';

/** One field that differs. Values are JSON; those that may be secret show only as set, changed or absent. */
export interface Difference {
  readonly field: string;
  readonly desired: string;
  readonly actual: string;
}

export interface Explanation {
  readonly service: string;
  readonly decision: Decision;
  readonly desired:
    { readonly version: string; readonly release: string; readonly image: string } | undefined;
  /** The last good release. */
  readonly good:
    | {
        readonly version: string;
        readonly release: string;
        readonly image: string;
        readonly goodAtMs: EpochMs;
      }
    | undefined;
  /** Desired against running, field by field; empty if they agree. */
  readonly differences: readonly Difference[];
  readonly containers: ServicePlan['running'];
  /** Containers with its labels that are not ours. Absent if there are none. */
  readonly foreign?: readonly ForeignContainer[];
  /** The next steps, if each one succeeds. */
  readonly next: readonly {
    readonly action: Action['kind'];
    readonly subject: string;
    readonly why: string;
  }[];
}

export const explain = (input: PlanInput): readonly Explanation[] => {
  const { now, steps } = dryRun(input);
  return now.services.map((plan) => {
    const { service } = plan;
    const desired = input.desired[service];
    const target = desired?.kind === 'release' ? desired.release : undefined;
    const record = serviceRecord(input.ledger, service);
    const good = record.good[0];
    const foreign = now.foreign.filter((f) => f.service === service);
    return {
      service,
      decision: plan.decision,
      desired: target && identityOf(target),
      good: good && { ...identityOf(good.release), goodAtMs: good.goodAtMs },
      differences:
        target && !isDoneElsewhere(plan) ? differencesOf(target, good?.release, plan, copiesIn(input)) : [],
      containers: plan.running,
      ...(foreign.length > 0 && { foreign }),
      next: steps
        .filter((s) => s.service === service)
        .map((s) => ({ action: s.action.kind, subject: subjectOf(s.action), why: s.why })),
    };
  });
};

/** A job that another host has run needs no container here. */
const isDoneElsewhere = ({ decision }: ServicePlan): boolean =>
  decision.kind === 'converged' && decision.message !== undefined;

const identityOf = (r: Release) => ({
  version: r.version,
  release: r.id,
  image: formatImage({ ...r.image.reference, digest: r.image.digest }),
});

/** Container id → what differs, for copies by another program. */
const copiesIn = ({ actual }: PlanInput): ReadonlyMap<string, readonly string[]> =>
  new Map(actual.containers.flatMap((o) => (o.copyOf ? [[o.id, o.copyOf.differs] as const] : [])));

const ABSENT = '–';

const differencesOf = (
  target: Release,
  good: Release | undefined,
  plan: ServicePlan,
  copies: ReadonlyMap<string, readonly string[]>,
): readonly Difference[] => {
  const serving = plan.running.find((r) => r.role === 'serving');
  if (!serving) return [{ field: 'container', desired: 'running', actual: 'none' }];
  const rows: Difference[] = [];
  const compare = (field: string, desired: unknown, actual: unknown): void => {
    const [a, b] = [show(desired), show(actual)];
    if (a !== b) rows.push({ field, desired: a, actual: b });
  };
  const differs = copies.get(serving.container.id);
  if (differs)
    rows.push({ field: 'container', desired: 'ours', actual: `a copy, other ${differs.join(', ')}` });
  compare('version', target.version, serving.version);
  compare('state', 'running', serving.state);
  if (serving.release === good?.id) {
    compare('image', identityOf(target).image, identityOf(good).image);
    rows.push(...specDifferences(target.spec, good.spec));
    compare('container_name', target.spec.containerName, good.spec.containerName);
    compare('networks', hashes(target.spec.networks), hashes(good.spec.networks));
    compare('volumes', hashes(target.spec.volumes), hashes(good.spec.volumes));
  } else {
    compare('release', target.id.slice(0, 8), serving.release.slice(0, 8));
  }
  return rows;
};

const hashes = (definitions: Release['spec']['networks'] | Release['spec']['volumes']): object =>
  Object.fromEntries(Object.entries(definitions).map(([name, d]) => [name, d.hash]));

const show = (value: unknown): string =>
  value === undefined ? ABSENT : typeof value === 'string' ? value : JSON.stringify(value);

type Values = Readonly<Record<string, string>>;

/** Reports only that values are set or differ, never the values. */
const secretDifferences = (field: string, target: Values, live: Values): readonly Difference[] =>
  [...new Set([...Object.keys(target), ...Object.keys(live)])].toSorted().flatMap((name) => {
    const [a, b] = [target[name], live[name]];
    if (a === b) return [];
    const both = a !== undefined && b !== undefined;
    return [
      {
        field: `${field}.${name}`,
        desired: a === undefined ? ABSENT : both ? 'set (another value)' : 'set',
        actual: b === undefined ? ABSENT : 'set',
      },
    ];
  });

/** Compared name by name; the report says only that they differ. */
const FREE_TEXT = ['environment', 'labels', 'sysctls', 'logging'] as const;

const isFreeText = (key: string): boolean => FREE_TEXT.some((name) => name === key);

const settingsOf = ({ container }: ReleaseSpec): ContainerSpec => ({
  ...container,
  ports: sortedPorts(container.ports),
});

const specDifferences = (targetSpec: ReleaseSpec, liveSpec: ReleaseSpec): readonly Difference[] => {
  const [target, live] = [settingsOf(targetSpec), settingsOf(liveSpec)];
  const rows: Difference[] = [
    ...secretDifferences('environment', target.environment, live.environment),
    ...secretDifferences('labels', target.labels, live.labels),
    ...secretDifferences('sysctls', target.sysctls, live.sysctls),
    // Some log drivers take their token here.
    ...secretDifferences('logging.options', target.logging?.options ?? {}, live.logging?.options ?? {}),
  ];
  const hidden = (value: unknown): string => withoutValues(show(value), [targetSpec, liveSpec]);
  const [driver, liveDriver] = [hidden(target.logging?.driver), hidden(live.logging?.driver)];
  if (driver !== liveDriver) rows.push({ field: 'logging.driver', desired: driver, actual: liveDriver });
  const keys = new Set([...Object.keys(target), ...Object.keys(live)]) as ReadonlySet<keyof ContainerSpec>;
  for (const key of [...keys].toSorted()) {
    if (isFreeText(key) || show(target[key]) === show(live[key])) continue;
    const [desired, actual] = [hidden(target[key]), hidden(live[key])];
    rows.push({ field: key, desired: desired === actual ? `${desired} (another value)` : desired, actual });
  }
  return rows;
};
