import { asideName, containerName } from '../docker-names.ts';
import type { RestartPolicy } from '../compose/project-model.ts';
import type { Container } from '../state/actual.ts';
import type { Action, ContainerRef } from './action.ts';
import { isSome, some } from './step.ts';
import { replacedDonor, restartedDonor } from './shared-namespace.ts';
import type { ServiceContext, Target } from './plan-input.ts';

/** One replica's slot: the container that should be there, and every other one that is. */
export interface Slot {
  readonly replica: number;
  readonly current: Container | undefined;
  /** Other releases, duplicates, and (first replica only) the foreign container that is taken over. */
  readonly others: readonly Container[];
}

/** Containers of one release compete for their slot: the one that serves wins, then the oldest. */
const rank = (container: Container): number =>
  ['running', 'restarting', 'paused', 'exited', 'created'].indexOf(container.state) >>> 0;
const byRank = (a: Container, b: Container): number =>
  rank(a) - rank(b) || (a.detail?.createdAtMs ?? 0) - (b.detail?.createdAtMs ?? 0);

/**
 * The slots of all replicas, and of surplus containers. A container of the target's release cannot be the
 * current one if `isUnfit` says so, or if it is dead: the engine only lets a dead one be removed.
 */
export const slotsOf = (
  c: ServiceContext,
  target: Target | undefined,
  isUnfit: (container: Container) => boolean,
): readonly Slot[] => {
  const isFit = (o: Container): boolean =>
    o.owner?.release === target?.id && o.state !== 'dead' && !isUnfit(o) && !isCutOff(c, target, o);
  const count = replicasOf(c, target);
  const desired = Array.from({ length: count }, (_, index) => index + 1);
  const replicas = new Set([...desired, ...c.own.map((o) => o.owner?.replica ?? 0)]);
  return [...replicas]
    .toSorted((a, b) => a - b)
    .map((replica) => {
      const here = c.own.filter((o) => o.owner?.replica === replica);
      const current = replica <= count ? here.filter(isFit).toSorted(byRank)[0] : undefined;
      const foreign = replica === 1 && c.foreign?.recorded === true ? [c.foreign.container] : [];
      return { replica, current, others: [...here.filter((o) => o.id !== current?.id), ...foreign] };
    });
};

/**
 * Whether the container joined a namespace that is gone, so that only another container helps. After a mere
 * restart of the donor it is restarted too; but with `start-first` its successor comes first.
 */
const isCutOff = (
  { input: { actual } }: ServiceContext,
  target: Target | undefined,
  o: Container,
): boolean => {
  const release = target?.release;
  const isReplaced = replacedDonor(actual, release, o) !== undefined;
  return (
    isReplaced || (release?.spec.exposure !== undefined && restartedDonor(actual, release, o) !== undefined)
  );
};

/** One container at most can publish a host port, whatever the compose file of a successor declares. */
const replicasOf = ({ service }: ServiceContext, target: Target | undefined): number => {
  const spec = target?.release?.spec;
  const isAlone = spec?.exposure === undefined && spec?.container.ports.some((p) => p.hostPort !== undefined);
  return isAlone === true ? Math.min(1, service.replicas) : service.replicas;
};

/** Whether the slot is beyond the desired number of replicas. */
export const isExtra = (c: ServiceContext, target: Target | undefined, slot: Slot): boolean =>
  slot.replica > replicasOf(c, target);

export const refOf = (container: Container): ContainerRef => ({ id: container.id, name: container.name });

export const startOf = (container: Container, { id, release }: Target): Action => {
  const { files } = release?.spec.container ?? {};
  return { kind: 'start', container: refOf(container), release: id, ...(files && { files }) };
};

export const isUp = (container: Container): boolean =>
  container.state === 'running' || container.state === 'restarting' || container.state === 'paused';

/** The engine never starts a dead container, and refuses to change its policy. */
const isArmed = ({ state, detail }: Container): boolean =>
  state !== 'dead' && (detail?.restart.name ?? 'no') !== 'no';

const samePolicy = (a: RestartPolicy | undefined, b: RestartPolicy): boolean =>
  a?.name === b.name && (a.name !== 'on-failure' || a.maxRetries === b.maxRetries);

export const DEFAULT_GRACE_MS = 10_000;

/** Takes containers out of the way: first their restart policy, then the process. Undefined once they are. */
export const quiesce = (others: readonly Container[]): readonly [Action, ...Action[]] | undefined => {
  const armed = others.filter(isArmed).map((o): Action => ({ kind: 'disarm', container: refOf(o) }));
  if (isSome(armed)) return armed;
  const up = others.filter(isUp);
  return some(
    up.map((o): Action =>
      // A stop signal never reaches a paused process, so it is unpaused first.
      o.state === 'paused'
        ? { kind: 'unpause', container: refOf(o) }
        : { kind: 'stop', container: refOf(o), graceMs: o.detail?.stopGraceMs ?? DEFAULT_GRACE_MS },
    ),
  );
};

/** Removes containers, quiesced first. */
export const retire = (others: readonly Container[]): readonly [Action, ...Action[]] | undefined =>
  quiesce(others) ?? some(others.map((o): Action => ({ kind: 'remove', container: refOf(o) })));

/** The name that the container of this slot bears while it serves. */
export const servingName = (c: ServiceContext, target: Target, replica: number): string =>
  target.release?.spec.containerName ??
  containerName(c.input.environment, c.service.name, replica, target.id);

/** Gives the current container its name, after renaming another one of its service that has it. */
export const claimName = (
  c: ServiceContext,
  target: Target,
  slot: Slot,
): readonly [Action, ...Action[]] | undefined => {
  const { current } = slot;
  if (!current || !target.release) return undefined;
  const name = servingName(c, target, slot.replica);
  if (current.name === name) return undefined;
  const nameHolder = [...c.own, ...slot.others].find((o) => o.name === name);
  if (nameHolder) {
    const to = asideName(c.input.environment, c.service.name, nameHolder.id);
    return [{ kind: 'rename', container: refOf(nameHolder), to }];
  }
  // A container in removal frees its name by itself, so this one does not wait for it.
  const isInRemoval = c.input.actual.containers.some((o) => o.name === name && o.state === 'removing');
  return isInRemoval ? undefined : [{ kind: 'rename', container: refOf(current), to: name }];
};

export const armIfNeeded = (current: Container): readonly [Action] | undefined => {
  const declared = current.owner?.restart;
  if (!declared || samePolicy(current.detail?.restart, declared)) return undefined;
  return [{ kind: 'arm', container: refOf(current), restart: declared }];
};
