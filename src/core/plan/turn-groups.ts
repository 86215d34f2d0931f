import type { ComposeProject } from '../compose/project-model.ts';
import { entryOf } from '../state/desired.ts';
import type { ServicePlan } from './host-plan.ts';

/** Services that wait for the same jobs, which run within their common turn. */
export interface TurnGroup {
  /** The name of one of the jobs. */
  readonly name: string;
  readonly jobs: ReadonlySet<string>;
  /** Services that ask, or have their turn. */
  readonly members: readonly ServicePlan[];
}

/** Two services belong together if a job runs within the turn of both. */
export const turnGroupsOf = (plans: readonly ServicePlan[]): readonly TurnGroup[] => {
  const asking = plans.filter(({ turn }) => turn && turn.state !== 'awaited' && turn.jobs.length > 0);
  const groups: { readonly jobs: Set<string>; readonly members: ServicePlan[] }[] = [];
  for (const plan of asking) {
    const jobs = new Set(plan.turn?.jobs);
    const joined = groups.filter((g) => [...g.jobs].some((job) => jobs.has(job)));
    for (const { jobs: more } of joined) for (const job of more) jobs.add(job);
    groups.push({ jobs, members: [...joined.flatMap((g) => g.members), plan] });
    for (const group of joined) groups.splice(groups.indexOf(group), 1);
  }
  return groups.map(({ jobs, members }) => ({ name: [...jobs].toSorted()[0] ?? '', jobs, members }));
};

/** Jobs that may run now: every service that asks for them has its turn. */
export const jobsInTurn = (groups: readonly TurnGroup[]): ReadonlySet<string> =>
  new Set(
    groups
      .filter(({ members }) => members.every(({ turn }) => turn?.state === 'granted'))
      .flatMap(({ jobs }) => [...jobs]),
  );

/** The plan with what the host asks the store for. */
export const withWish = (
  plan: ServicePlan,
  project: ComposeProject,
  groups: readonly TurnGroup[],
): ServicePlan => {
  const { service, switching, turn } = plan;
  if (turn?.state !== 'wanted' || !switching) return plan;
  const group = groups.find(({ members }) => members.some((m) => m.service === service));
  const { entry, release, digest, attempt, kind } = switching;
  return {
    ...plan,
    wish: {
      service,
      entry,
      release,
      digest,
      attempt,
      kind,
      serves: plan.readiness?.isReady ?? false,
      ...(kind === 'job' && { dependents: dependentEntries(project, service) }),
      ...(group && { group: group.name }),
    },
  };
};

/** The entries that give the services their versions that wait until this job completes. */
const dependentEntries = ({ services }: ComposeProject, job: string): readonly string[] => [
  ...new Set(
    Object.values(services)
      .filter((s) => s.dependsOn.some((d) => d.service === job && d.condition === 'completed'))
      .flatMap((s) => entryOf(s) ?? []),
  ),
];
