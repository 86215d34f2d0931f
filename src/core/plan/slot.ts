import { asideName, containerName } from '../names.ts';
import type { RestartPolicy } from '../compose/model.ts';
import type { Container } from '../state/actual.ts';
import type { Action, ContainerRef } from './action.ts';
import type { ServiceContext, Target } from './input.ts';

/** One replica's place: the container that should be there, and every other one that is. */
export interface Slot {
  readonly replica: number;
  readonly current: Container | undefined;
  /** Other releases, doubles, and the foreign container that is taken over (first replica only). */
  readonly others: readonly Container[];
}

/** The order in which containers of one release compete for their slot: the one that serves, then the oldest. */
const rank = (c: Container): number => ['running', 'restarting', 'paused', 'exited', 'created'].indexOf(c.state) >>> 0;
const byRank = (a: Container, b: Container): number =>
  rank(a) - rank(b) || (a.detail?.createdAtMs ?? 0) - (b.detail?.createdAtMs ?? 0);

const isGone = (c: Container): boolean => c.state === 'removing' || c.state === 'dead';

export const slotsOf = (c: ServiceContext, target: Target | undefined, unstartable: string | undefined): readonly Slot[] => {
  const highest = Math.max(c.service.replicas, ...c.own.map((o) => o.owner?.replica ?? 0));
  return Array.from({ length: highest }, (_, index) => {
    const replica = index + 1;
    const here = c.own.filter((o) => o.owner?.replica === replica && !isGone(o));
    const candidates = here
      .filter((o) => o.owner?.release === target?.id && o.id !== unstartable && replica <= c.service.replicas)
      .toSorted(byRank);
    const current = candidates[0];
    const foreign = replica === 1 && c.foreign?.recorded === true ? [c.foreign.container] : [];
    return { replica, current, others: [...here.filter((o) => o.id !== current?.id), ...foreign] };
  });
};

export const refOf = (c: Container): ContainerRef => ({ id: c.id, name: c.name });

export const isUp = (c: Container): boolean =>
  c.state === 'running' || c.state === 'restarting' || c.state === 'paused';

const isArmed = (c: Container): boolean => (c.detail?.restart.name ?? 'no') !== 'no';

const samePolicy = (a: RestartPolicy | undefined, b: RestartPolicy): boolean =>
  a?.name === b.name && (a.name !== 'on-failure' || a.maxRetries === b.maxRetries);

const DEFAULT_GRACE_MS = 10_000;

/** Takes other containers out of the way, one kind of step at a time: policy, then the process. Undefined: they are. */
export const quiesce = (others: readonly Container[]): readonly [Action, ...Action[]] | undefined => {
  const armed = others.filter(isArmed).map((o): Action => ({ kind: 'disarm', container: refOf(o) }));
  if (isSome(armed)) return armed;
  const up = others.filter(isUp);
  return some(
    up.map((o): Action =>
      // A stopped signal never reaches a frozen process: thaw it first.
      o.state === 'paused'
        ? { kind: 'unpause', container: refOf(o) }
        : { kind: 'stop', container: refOf(o), graceMs: o.detail?.stopGraceMs ?? DEFAULT_GRACE_MS },
    ),
  );
};

/** Takes them away for good: quiesced first. */
export const retire = (others: readonly Container[]): readonly [Action, ...Action[]] | undefined =>
  quiesce(others) ?? some(others.map((o): Action => ({ kind: 'remove', container: refOf(o) })));

export const isSome = <T>(list: readonly T[]): list is readonly [T, ...T[]] => list.length > 0;
export const some = <T>(list: readonly T[]): readonly [T, ...T[]] | undefined => (isSome(list) ? list : undefined);

/** The name that the container of this slot bears while it serves. */
export const servingName = (c: ServiceContext, target: Target, replica: number): string =>
  target.release?.spec.containerName ?? containerName(c.input.environment, c.service.name, replica, target.id);

/** Names and restart policy put right, others' first; each is one step. Undefined: they are. */
export const christen = (c: ServiceContext, target: Target, slot: Slot): readonly [Action, ...Action[]] | undefined => {
  const { current } = slot;
  if (!current) return undefined;
  const name = servingName(c, target, slot.replica);
  const squatter = slot.others.find((o) => o.name === name);
  if (squatter) {
    const to = asideName(c.input.environment, c.service.name, squatter.id);
    return [{ kind: 'rename', container: refOf(squatter), to }];
  }
  if (current.name !== name) return [{ kind: 'rename', container: refOf(current), to: name }];
  return undefined;
};

export const armIfNeeded = (current: Container): readonly [Action] | undefined => {
  const declared = current.owner?.restart;
  if (!declared || samePolicy(current.detail?.restart, declared)) return undefined;
  return [{ kind: 'arm', container: refOf(current), restart: declared }];
};
