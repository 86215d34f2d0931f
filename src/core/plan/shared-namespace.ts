import { joinedNamespaces, type JoinedNamespace } from '../compose/namespaces.ts';
import type { ComposeProject } from '../compose/project-model.ts';
import type { Actual, Container } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import { wait } from './gate.ts';
import type { ServiceContext } from './plan-input.ts';
import type { Decision } from './host-plan.ts';

/**
 * A container that joins a namespace of another container, its donor, is cut off when the donor ends: it
 * stays in a dead namespace. So it follows its donor: it is replaced when the donor is, and restarted when
 * the donor is.
 */

const SHORT_ID = 12;

/** The container that `container:NAME` means now. A short id counts only if no container has that name. */
const donorOf = ({ containers }: Actual, name: string): Container | undefined =>
  containers.find((o) => o.name === name || o.id === name) ??
  (name.length >= SHORT_ID ? containers.find((o) => o.id.startsWith(name)) : undefined);

/** A paused container keeps its namespaces. */
const isGiving = (donor: Container | undefined): boolean =>
  donor?.state === 'running' || donor?.state === 'paused';

const joinedBy = (release: Release | undefined): readonly JoinedNamespace[] =>
  release ? joinedNamespaces(release.spec.container) : [];

/** A later end than this start was in a namespace that the donor no longer gives. */
const startOf = (donor: Container): number => donor.detail?.startedAtMs ?? Infinity;

/** It ended with 0 before the donor started anew, and is not meant to run again. */
const hasCompleted = ({ state, owner, detail }: Container, donor: Container): boolean =>
  state === 'exited' &&
  detail?.exitCode === 0 &&
  (detail.finishedAtMs ?? 0) <= startOf(donor) &&
  owner?.restart.name !== 'always' &&
  owner?.restart.name !== 'unless-stopped';

/** The first donor name that means another container now, so that a restart does not help. */
export const replacedDonor = (
  actual: Actual,
  release: Release | undefined,
  container: Container,
): JoinedNamespace | undefined =>
  joinedBy(release).find(({ namespace, donor: name }) => {
    const donor = donorOf(actual, name);
    const joined = container.detail?.joined?.[namespace];
    const isOther = joined !== undefined && joined !== donor?.id && joined !== donor?.name;
    return donor !== undefined && isOther && !hasCompleted(container, donor);
  });

/**
 * Whether the container ended after its donor had been restarted. It ran cut off by then, and most likely the
 * agent stopped it, so neither success nor failure follows from its exit code.
 */
export const endedCutOff = (
  actual: Actual,
  release: Release | undefined,
  { state, detail }: Container,
): boolean =>
  state === 'exited' &&
  detail?.startFault === undefined &&
  joinedBy(release).some(({ donor: name }) => {
    const donor = donorOf(actual, name);
    if (!donor) return false;
    const restartedMs = startOf(donor);
    return (detail?.startedAtMs ?? Infinity) < restartedMs && restartedMs < (detail?.finishedAtMs ?? 0);
  });

/** The first donor that started after the container, which so runs in the donor's former namespace. */
export const restartedDonor = (
  actual: Actual,
  release: Release | undefined,
  { state, detail }: Container,
): JoinedNamespace | undefined =>
  state === 'running'
    ? joinedBy(release).find(({ donor: name }) => {
        const donor = donorOf(actual, name);
        return isGiving(donor) && (donor?.detail?.startedAtMs ?? 0) > (detail?.startedAtMs ?? Infinity);
      })
    : undefined;

/** The service that declares this container name. */
const donorService = ({ services }: ComposeProject, name: string): string | undefined =>
  Object.values(services).find((s) => s.containerName === name && s.replicas > 0)?.name;

/** The services that are donors of a release. */
export const donorServices = (project: ComposeProject, release: Release): readonly string[] =>
  joinedBy(release).flatMap(({ donor }) => donorService(project, donor) ?? []);

const THING = { network: 'network', ipc: 'IPC namespace', pid: 'PID namespace' } as const;

/** `joins the network of vpn` */
export const joins = ({ namespace, donor }: JoinedNamespace): string =>
  `joins the ${THING[namespace]} of ${donor}`;

/** Why a container of this release cannot start, or is cut off: a donor does not run. Undefined if all do. */
export const absentDonor = (
  { input: { actual, project } }: Pick<ServiceContext, 'input'>,
  release: Release | undefined,
): Decision | undefined => {
  const absent = joinedBy(release).find(({ donor }) => !isGiving(donorOf(actual, donor)));
  if (!absent) return undefined;
  const donor = donorOf(actual, absent.donor);
  const message = `it ${joins(absent)}, ${donor ? 'which does not run' : 'and there is no such container'}`;
  const isOurs = donorService(project, absent.donor) !== undefined;
  if (isOurs) return wait('dependency', message);
  return {
    kind: 'blocked',
    reason: 'dependency',
    message,
    advice: donor
      ? `start it (docker start ${donor.name})`
      : `start a container of that name, or give the service that is meant container_name: ${absent.donor}`,
  };
};
