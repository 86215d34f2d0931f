import type { ContainerSpec } from '../compose/project-model.ts';
import type { Limits } from '../state/actual.ts';
import type { Action } from './action.ts';
import type { ServiceContext, Target } from './plan-input.ts';
import { hasDrifted } from './endpoint-drift.ts';
import { liveName, networksNeed } from './networks.ts';
import { EDGE_NETWORK, edgeNetwork } from './edge/edge-view.ts';
import { armIfNeeded, isUp, refOf, type Slot } from './slot.ts';

/** Restores declared networks, restart policy and limits on the present container. */
export const repairInPlace = (
  c: ServiceContext,
  target: Target,
  { current }: Slot,
  isNamed: boolean,
): readonly [Action, ...Action[]] | undefined => {
  const detail = current?.detail;
  const spec = target.release?.spec;
  if (!current || !detail) return undefined;
  const mode = spec?.container.networkMode;
  if (mode?.kind === 'networks' && target.release) {
    const networks = networksNeed(c.input, target.release);
    if (networks.kind === 'act') return networks.actions;
    for (const attachment of mode.attachments) {
      const network = liveName(c.input, spec?.networks ?? {}, attachment.network);
      if (network === undefined) continue;
      const endpoint = detail.networks.find((n) => n.network === network);
      const alias = isNamed ? c.service.name : undefined;
      const action = { container: refOf(current), network, attachment, alias };
      if (!endpoint) return [{ kind: 'connect', ...action }];
      if (hasDrifted(endpoint, attachment, alias)) return [{ kind: 'rejoin', ...action }];
    }
  }
  const edge = spec?.exposure === 'edge' ? edgeNetwork(c.input.actual)?.name : undefined;
  if (edge !== undefined && detail.networks.every((n) => n.network !== edge)) {
    // `withAddresses` gives the address, for all services together.
    const attachment = { network: EDGE_NETWORK, aliases: [] };
    return [{ kind: 'connect', container: refOf(current), network: edge, attachment, alias: undefined }];
  }
  const armed = armIfNeeded(current);
  if (armed) return armed;
  const limits = spec && isUp(current) ? changedLimits(c, spec.container, detail.limits) : undefined;
  return limits && [{ kind: 'limit', container: refOf(current), limits }];
};

/**
 * Declared limits that were changed by hand. Only limits that the spec declares and the engine enforces are
 * compared: the engine silently drops others, and `docker update` cannot remove a limit.
 */
const changedLimits = (c: ServiceContext, spec: ContainerSpec, live: Limits): Partial<Limits> | undefined => {
  const desired: Partial<Limits> = {
    ...(spec.memoryBytes && { memoryBytes: spec.memoryBytes }),
    ...(spec.memorySwapBytes && { memorySwapBytes: spec.memorySwapBytes }),
    ...(spec.memoryReservationBytes && { memoryReservationBytes: spec.memoryReservationBytes }),
    ...(spec.nanoCpus && { nanoCpus: spec.nanoCpus }),
    ...(spec.cpuShares && { cpuShares: spec.cpuShares }),
    ...(spec.cpuset !== undefined && spec.cpuset !== '' && { cpuset: spec.cpuset }),
    ...(spec.pidsLimit !== undefined && spec.pidsLimit > 0 && { pidsLimit: spec.pidsLimit }),
  };
  const changed = c.input.actual.engine.enforces.filter(
    (key) => desired[key] !== undefined && desired[key] !== live[key],
  );
  return changed.length === 0 ? undefined : desired;
};
