import type { EdgeFrontend } from '../edge/edge-config.ts';
import { serverName } from '../edge/haproxy-names.ts';
import type { Attachment } from '../compose/project-model.ts';
import type { Container } from '../state/actual.ts';
import type { Release } from '../state/release.ts';
import type { Action } from './action.ts';
import { liveName } from './networks.ts';
import { absentDonor } from './shared-namespace.ts';
import { wait } from './gate.ts';
import { longestProofMs } from './health-check-time.ts';
import type { ServiceContext, Target } from './plan-input.ts';
import type { Verdict } from './container-health.ts';
import { prepare } from './prepare.ts';
import { repairInPlace } from './repair-in-place.ts';
import { inService, wasDrained, whyRepaired, whyStarted } from './back-in-service.ts';
import { verdictOf } from './stop-first.ts';
import { claimName, isUp, quiesce, refOf, startOf, type Slot } from './slot.ts';
import { exclusiveText, isReadyToSwap, letsGo, portHolders, type Holder } from './exclusive-resources.ts';
import { hostPortsOf, overlaps } from './host-ports.ts';
import { isProven } from './edge/edge-image.ts';
import { bake, bakeFault, othersDrain } from './edge/bake-time.ts';
import { stateActions } from './edge/connection-draining.ts';
import { leadBefore } from './edge/health-lead.ts';
import { standIn } from './edge/copy-stand-in.ts';
import { type Step, act, blockedStep, pending, some, stuck } from './step.ts';
import {
  backendsOf,
  currentEdge,
  edgeAddress,
  edgeParts,
  frontendsOf,
  sameFrontend,
  serversOf,
  type ReleaseBackend,
} from './edge/edge-view.ts';

export interface StartFirstOptions {
  /** The release has yet to prove itself: it is watched for the monitor time once it serves. */
  readonly isNew: boolean;
  /** The others of its batch are as far: every new container is ready before any old one drains. */
  readonly isTurn: boolean;
}

/**
 * The start-first ladder of one slot, derived from the observed containers: create → start → good → in
 * rotation → others drain → bake. Old containers go by `drain`. Only one that publishes a port itself is
 * stopped here, so that the edge can take the port (`takePorts`).
 */
export const startFirst = (
  c: ServiceContext,
  target: Target,
  slot: Slot,
  options: StartFirstOptions,
): Step => {
  const { current } = slot;
  const { release } = target;
  const copied = current && isFit(c, target, slot) ? undefined : standIn(c, target, slot);
  if (copied) return copied;
  if (!current || !release) return prepare(c, target, slot);
  const verdict = verdictOf(c, target, slot);
  const fault = options.isNew ? bakeFault(c, slot) : undefined;
  if (fault) return { kind: 'judged', verdict: fault };
  const absent = verdict.kind === 'completed' ? undefined : absentDonor(c, release);
  if (absent) return stuck(absent);
  if (options.isNew && (verdict.kind === 'failed' || verdict.kind === 'completed'))
    return { kind: 'judged', verdict };
  const stray = options.isNew ? strayVolume(release, current) : undefined;
  if (stray) return { kind: 'judged', verdict: stray };
  const drifted = repairInPlace(c, target, slot, isNamed(c, release, current));
  if (drifted)
    return act(
      drifted,
      current.detail?.startedAtMs === undefined ? 'it gets ready' : whyRepaired(c, current, drifted),
    );
  if (current.state === 'paused')
    return act([{ kind: 'unpause', container: refOf(current) }], 'it was paused by hand');
  if (!isUp(current)) {
    const hasEnded = verdict.kind === 'failed' || verdict.kind === 'completed';
    if (hasEnded && !wasDrained(c, current)) return { kind: 'judged', verdict };
    const hasRun = current.detail?.startedAtMs !== undefined;
    const why = hasRun ? whyStarted(c, current) : 'start it beside the old one';
    return act([startOf(current, target)], why);
  }
  if (!isFit(c, target, slot)) return { kind: 'judged', verdict };
  const back = release.spec.exposure === 'alias' ? inService(c, current) : undefined;
  return back ?? rotate(c, release, slot, options) ?? rename(c, target, slot) ?? { kind: 'judged', verdict };
};

/** Good now, or proven before: whatever is wrong with a proven container, there is nothing better. */
export const isFit = (c: ServiceContext, target: Target, slot: Slot): boolean => {
  const { current } = slot;
  if (!current || !isUp(current)) return false;
  const good = c.record.good[0];
  const hasProved =
    good?.release.id === target.id && (current.detail?.startedAtMs ?? Infinity) <= good.goodAtMs;
  return hasProved || verdictOf(c, target, slot).kind === 'good';
};

/** Whether only its turn is missing before clients may find it. */
export const isStandingBy = (c: ServiceContext, target: Target, slot: Slot): boolean => {
  if (!slot.current || !target.release || !isFit(c, target, slot)) return false;
  const { release } = target;
  if (release.spec.exposure === 'alias') return true;
  // While the edge does not listen for it, it can do nothing more before its turn.
  if (directHolders(c, slot, release).length > 0 || !isListening(c, release)) return true;
  const servers = serversOf(c.input.actual, slot.current.id);
  return backendsOf(release).every((b) =>
    servers.some((s) => s.backend === b.name && (s.check === 'L4OK' || s.admin === 'ready')),
  );
};

const rotate = (
  c: ServiceContext,
  release: Release,
  slot: Slot,
  options: StartFirstOptions,
): Step | undefined =>
  (release.spec.exposure === 'edge'
    ? ontoEdge(c, release, slot, options)
    : underName(c, release, slot, options)) ??
  othersDrain(c, slot) ??
  (options.isNew ? bake(c, release, slot) : undefined);

const STANDBY = 'good; the others of its batch come first';
const STANDBY_MS = 200;

const underName = (
  c: ServiceContext,
  release: Release,
  { current }: Slot,
  { isTurn }: StartFirstOptions,
): Step | undefined => {
  const unnamed = current ? attachmentsOf(release).filter((a) => !hasName(c, release, current, a)) : [];
  if (unnamed.length === 0 || !current) return undefined;
  if (!isTurn) return pending('edge', STANDBY, c.input.nowMs + STANDBY_MS);
  const actions = some(
    unnamed.map((attachment): Action => ({
      kind: 'rejoin',
      container: refOf(current),
      network: liveName(c.input, release.spec.networks, attachment.network) ?? attachment.network,
      attachment,
      alias: c.service.name,
    })),
  );
  return actions && act(actions, 'it is good: from now on it is found by its name');
};

const ontoEdge = (
  c: ServiceContext,
  release: Release,
  slot: Slot,
  { isNew, isTurn }: StartFirstOptions,
): Step | undefined => {
  const { current } = slot;
  const { actual, nowMs } = c.input;
  if (!current) return undefined;
  const given = takePorts(c, slot, release, isTurn);
  if (given) return given;
  const open = openBackends(c, release);
  const closed: Step | undefined = isListening(c, release)
    ? undefined
    : stuck(wait('edge', 'the edge opens its ports'));
  // A proven release makes do with the ports that are open; a new one gets all its ports or changes nothing.
  if (closed && (isNew || open.length === 0)) return closed;
  const address = edgeAddress(actual, current);
  const instance = currentEdge(actual)?.instance ?? '';
  const name = serverName(current.id);
  const servers = serversOf(actual, current.id);
  const moved = servers.filter((s) => s.address !== address);
  const removals = some(
    moved.map(({ backend }): Action => ({ kind: 'edge-remove-server', instance, backend, server: name })),
  );
  if (removals) return act(removals, 'its address has changed');
  const missing = some(
    open
      // A server in maintenance was added only half, or was read from the file by a restarted edge.
      .filter((b) => servers.every((s) => s.backend !== b.name || s.admin === 'maint'))
      .map((b): Action => ({
        kind: 'edge-add-server',
        instance,
        backend: b.name,
        server: { name, address, port: b.containerPort },
      })),
  );
  if (missing) return act(missing, 'it is good: the edge adds it');
  const unseen = servers.find((s) => s.admin !== 'ready' && s.check !== 'L4OK');
  if (unseen) return unreached(c, release, current, unseen.port);
  if (!isTurn)
    return servers.some((s) => s.admin !== 'ready')
      ? pending('edge', STANDBY, nowMs + STANDBY_MS)
      : undefined;
  const states = stateActions(c.input, current, 'ready');
  const again =
    c.record.drains?.[current.id] === undefined
      ? []
      : [{ kind: 'drain' as const, containers: [refOf(current)], draining: false }];
  const ready = some([...states, ...again]);
  return ready ? act(ready, 'the edge sends to it') : closed;
};

/** Added to the release's deadline: the time that the edge needs to check a port. */
const REACH_MS = 10_000;

const unreached = (c: ServiceContext, release: Release, current: Container, port: number): Step => {
  const { nowMs, watchingSinceMs, actual } = c.input;
  // An edge that has just started has not checked the port for as long as the release runs.
  const edgeStartsMs = edgeParts(actual).map(({ container }) => container.detail?.startedAtMs ?? 0);
  const startMs = Math.max(current.detail?.startedAtMs ?? 0, watchingSinceMs, ...edgeStartsMs);
  const until = startMs + longestProofMs(release.spec, current.detail) + REACH_MS;
  const message = `the edge does not reach port ${String(port)} of ${current.name} yet`;
  if (nowMs < until) return pending('edge', message, until);
  return {
    kind: 'judged',
    verdict: { kind: 'failed', reason: 'not-ready', message: `${message}: does it listen on every address?` },
  };
};

/** Moves ports from a container to the edge. The container stops once its successor is ready. */
const takePorts = (c: ServiceContext, slot: Slot, release: Release, isTurn: boolean): Step | undefined => {
  const holders = directHolders(c, slot, release);
  const neighbour = portNeighbour(c, release);
  if (holders.length === 0 && !neighbour) return undefined;
  if (neighbour && !letsGo(c, neighbour)) return taken(neighbour);
  if (!isTurn) return pending('edge', STANDBY, c.input.nowMs + STANDBY_MS);
  if (!isProven(c.input)) return stuck(wait('edge', 'the edge first has to show that it runs'));
  const leaving = [...holders, ...(neighbour ? swapped(c, slot, neighbour) : [])];
  const quiet = quiesce(leaving);
  const lead = quiet && leadBefore(c, leaving);
  if (lead) return stuck(lead);
  if (quiet) return act(quiet, 'the edge takes its ports over');
  return (
    neighbour && stuck(wait('edge', `${exclusiveText(neighbour.held)} is still held by ${neighbour.name}`))
  );
};

const taken = ({ held, name }: Holder): Step =>
  blockedStep(
    'port',
    `${exclusiveText(held)} is taken by our own container ${name}`,
    'give one of the two services another port in the compose files',
  );

/** A container of another service of ours that holds a port which the edge needs. */
export const portNeighbour = (c: ServiceContext, release: Release): Holder | undefined =>
  portHolders(
    c,
    frontendsOf(release).map((f) => ({ ...f, protocol: 'tcp' })),
  ).find((h) => h.kind === 'ours');

/** To swap ports both services have to stop: ours stops once the neighbour's successor exists. */
const swapped = (c: ServiceContext, { others }: Slot, neighbour: Holder): readonly Container[] => {
  const next = neighbour.service === undefined ? undefined : c.input.desired[neighbour.service];
  if (next?.kind !== 'release' || !isReadyToSwap(c, neighbour)) return [];
  const wanted = hostPortsOf(next.release);
  return others.filter((o) => isUp(o) && o.ports.some((p) => wanted.some((w) => overlaps(w, p))));
};

/** Containers of this service that publish a port of the release themselves, foreign ones too. */
const directHolders = (c: ServiceContext, { others }: Slot, release: Release): readonly Container[] => {
  const wanted = frontendsOf(release);
  return [...others, ...c.own].filter(
    (o) => isUp(o) && o.ports.some((p) => wanted.some((f) => overlaps(p, { ...f, protocol: 'tcp' }))),
  );
};

/** The frontends of the release that the running edge has. Its file says where they lead. */
const listening = ({ input: { actual } }: ServiceContext, release: Release): readonly EdgeFrontend[] => {
  const { state, written } = currentEdge(actual)?.seen ?? {};
  return frontendsOf(release).filter(
    (f) =>
      state?.frontends.some((bound) => sameFrontend(bound, f)) === true &&
      written?.frontends.some((w) => sameFrontend(w, f) && w.backend === f.backend) === true,
  );
};

/** Whether the edge listens on every port of this release and sends to its backends. */
const isListening = (c: ServiceContext, release: Release): boolean =>
  listening(c, release).length === frontendsOf(release).length;

const openBackends = (c: ServiceContext, release: Release): readonly ReleaseBackend[] => {
  const open = listening(c, release);
  return backendsOf(release).filter((b) => open.some((f) => f.backend === b.name));
};

const attachmentsOf = (release: Release): readonly Attachment[] => {
  const mode = release.spec.container.networkMode;
  return mode.kind === 'networks' ? mode.attachments : [];
};

const hasName = (c: ServiceContext, release: Release, current: Container, a: Attachment): boolean => {
  const network = liveName(c.input, release.spec.networks, a.network);
  const endpoint = current.detail?.networks.find((n) => n.network === network);
  return endpoint?.aliases.includes(c.service.name) === true;
};

/** Whether a lost network is joined under the service's name: not before clients may find it there. */
const isNamed = (c: ServiceContext, release: Release, current: Container): boolean =>
  release.spec.exposure !== 'alias' || attachmentsOf(release).some((a) => hasName(c, release, current, a));

const ANONYMOUS = /^[a-f0-9]{64}$/;

/** Both run at the same time, so an anonymous volume of the image cannot move to the new one. */
const strayVolume = (release: Release, { detail }: Container): Verdict | undefined => {
  const declared = new Set(release.spec.container.mounts.map((m) => m.target));
  const stray = detail?.volumes.find((v) => ANONYMOUS.test(v.name) && !declared.has(v.target));
  return (
    stray && {
      kind: 'failed',
      reason: 'volume',
      message:
        `its image keeps data in an anonymous volume (${stray.target}), which start-first can't hand over: ` +
        'name a volume for it in the compose file, or use stop-first',
    }
  );
};

/** `container_name` is free once the old container is gone. */
const rename = (c: ServiceContext, target: Target, slot: Slot): Step | undefined => {
  if (slot.others.length > 0) return undefined;
  const named = claimName(c, target, slot);
  return named && act(named, 'give the container its name');
};
