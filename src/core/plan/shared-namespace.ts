import { joinedNamespaces, type JoinedNamespace } from '../compose/namespaces.ts';
import type { ComposeProject } from '../compose/project-model.ts';
import type { Actual, Container } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import { wait } from './gate.ts';
import type { ServiceContext } from './plan-input.ts';
import type { Decision } from './host-plan.ts';

/**
 * A container that joins a namespace of another one, its donor, loses it when that ends: it goes on in a
 * namespace that nothing reaches. So it follows its donor: another container in the donor's place makes
 * another one of it, a restart a restart.
 */

const SHORT_ID = 12;

/**
 * What `container:NAME` means now: a name, or an id. A name that begins like some id is never taken for it.
 */
const donorOf = ({ containers }: Actual, name: string): Container | undefined =>
  containers.find((o) => o.name === name || o.id === name) ??
  (name.length >= SHORT_ID ? containers.find((o) => o.id.startsWith(name)) : undefined);

/** Its namespaces are there: a frozen one keeps them. */
const isGiving = (donor: Container | undefined): boolean =>
  donor?.state === 'running' || donor?.state === 'paused';

const joinedBy = (release: Release | undefined): readonly JoinedNamespace[] =>
  release ? joinedNamespaces(release.spec.container) : [];

/** It ended well, and is not meant to run again. */
const hasCompleted = ({ state, owner, detail }: Container): boolean =>
  state === 'exited' &&
  detail?.exitCode === 0 &&
  owner?.restart.name !== 'always' &&
  owner?.restart.name !== 'unless-stopped';

/**
 * It joined a container that NAME does not mean any more: no restart of it helps. The name of the first such
 * donor.
 */
export const replacedDonor = (
  actual: Actual,
  release: Release | undefined,
  container: Container,
): JoinedNamespace | undefined =>
  hasCompleted(container)
    ? undefined
    : joinedBy(release).find(({ namespace, donor: name }) => {
        const donor = donorOf(actual, name);
        const joined = container.detail?.joined?.[namespace];
        return donor && joined !== undefined && joined !== donor.id && joined !== donor.name;
      });

/** It runs in a namespace that its donor had before it was started again. */
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

/** The service of this host whose container bears that name. */
const donorService = ({ services }: ComposeProject, name: string): string | undefined =>
  Object.values(services).find((s) => s.containerName === name && s.replicas > 0)?.name;

/** The services whose namespaces a release joins. */
export const donorServices = (project: ComposeProject, release: Release): readonly string[] =>
  joinedBy(release).flatMap(({ donor }) => donorService(project, donor) ?? []);

const THING = { network: 'network', ipc: 'IPC namespace', pid: 'PID namespace' } as const;

/** `joins the network of vpn` */
export const joins = ({ namespace, donor }: JoinedNamespace): string =>
  `joins the ${THING[namespace]} of ${donor}`;

/**
 * Why a container of this release can't be started, or is of no use while it runs: a donor does not run.
 * Undefined: all do.
 */
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
