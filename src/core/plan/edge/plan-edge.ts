import { createHash } from 'node:crypto';
import { formatImage } from '../../image/reference.ts';
import type { EdgeBackend, EdgeConfig, EdgeState } from '../../edge/edge-config.ts';
import { serverName } from '../../edge/haproxy-names.ts';
import { edgeShape, renderConfig } from '../../edge/render-haproxy.ts';
import { sameMap, type CheckedPort, type HealthAnswers, type HealthMap } from '../../edge/health-answer.ts';
import { hasHealthEndpoint, healthMap } from '../../edge/render-health.ts';
import { listenersOf } from '../../edge/listener.ts';
import { edgeContainerName } from '../../docker-names.ts';
import { isHoldActive } from '../../state/ledger.ts';
import type { Container, Image } from '../../state/actual.ts';
import type { Action } from '../action.ts';
import { holdDecision, wait } from '../gate.ts';
import { EDGE_TARGET, failedStepKey, type PlanInput } from '../plan-input.ts';
import { takes, type Decision, type EdgePlan } from '../host-plan.ts';
import { afterFailedStep } from '../failed-step.ts';
import { isUp, refOf } from '../slot.ts';
import { edgeImage, isProven, keepEdgeName } from './edge-image.ts';
import { declaredSubnets } from '../networks.ts';
import { edgeNetworkOf } from './edge-network.ts';
import type { EdgeDemand } from './demand.ts';
import { gapAnswers, leadOfGap } from './health-gap.ts';
import { endpointClash, type PortOwners } from './port-availability.ts';
import { edgeReplicaOf, endEdges, retireEdges } from './retire-edges.ts';
import { awaitHandOver, silence } from './silent-edges.ts';
import {
  answersBy,
  answersOf,
  boundParts,
  currentEdge,
  EDGE_NETWORK,
  edgeNetwork,
  edgeParts,
  isLost,
  isPublished,
  isStranded,
  listeningEdge,
  mayBind,
  sameFrontend,
  type EdgePart,
} from './edge-view.ts';
import { actIfAny } from '../step.ts';
import { desiredEdge, type DesiredConfig } from './desired-edge.ts';

/**
 * Plans the one edge of the host, which exists while a service needs it. `isTurning`: a service's own next
 * step changes which servers get connections.
 */
export const planEdge = (
  input: PlanInput,
  demands: readonly EdgeDemand[],
  isTurning: boolean,
  answers: HealthAnswers,
): EdgePlan | undefined => {
  const parts = edgeParts(input.actual);
  const { config: desired, owners } = desiredEdge(input, demands);
  const isExpected = demands.some((s) => s.isExpected);
  const isNeeded = desired.frontends.length > 0 || demands.some((s) => s.isProofNeeded);
  if (parts.length === 0 && !isNeeded && !isExpected) return undefined;
  const { hold } = input.ledger;
  const frozen = isHoldActive(hold, input.nowMs) && hold.all ? holdDecision(input) : undefined;
  const busy = input.isEdgeBusy ? wait('edge', 'a step of the edge is under way') : undefined;
  const next = frozen ?? busy ?? decide(input, desired, parts, { isExpected, isNeeded, owners, answers });
  // An edge that starts meanwhile would read a file that names the servers from before that step.
  const due =
    isTurning && takes(next, 'start')
      ? wait('edge', 'a service first changes which containers get connections')
      : next;
  const decision = afterFailedStep(input, failedStepKey('', EDGE_TARGET), due);
  const clash = endpointClash(demands.flatMap((d) => d.frontends));
  const taken = [...owners.taken, ...owners.shared, ...clash];
  return {
    decision: decision.kind === 'converged' && taken[0] ? taken[0].decision : decision,
    taken,
    lacksPort: owners.lacksPort || taken.length > 0,
    containers: parts.map((p) => edgeReplicaOf(input, p)),
  };
};

interface Demand {
  readonly isExpected: boolean;
  readonly isNeeded: boolean;
  readonly owners: PortOwners;
  readonly answers: HealthAnswers;
}

const decide = (
  input: PlanInput,
  desired: DesiredConfig,
  parts: readonly EdgePart[],
  { isExpected, isNeeded, owners, answers }: Demand,
): Decision => {
  const image = edgeImage(input);
  // An image that never ran here gets nothing of a running edge: it first starts without ports.
  const isTried =
    parts.some((p) => isUp(p.container) && p.container.imageId !== image?.id) && !isProven(input);
  const next = isTried ? { ...desired, frontends: [], backends: [] } : desired;
  const shape = edgeShape({ ...next, instance: 'any' });
  const meant = isNeeded
    ? parts.find(
        (p) =>
          !p.isLeaving &&
          !isLost(p, input) &&
          !isStranded(p, input.actual) &&
          p.shape === shape &&
          (!image || p.container.imageId === image.id),
      )
    : undefined;
  const others = parts.filter((p) => p !== meant);
  const step =
    (isExpected ? edgeNeeds(input, image) : undefined) ??
    (isNeeded
      ? startEdge(input, { config: next, shape, answers }, image, meant, others, owners.unknown)
      : undefined) ??
    retireEdges(input, others, meant);
  const gap = step && endsListening(input, step) ? gapAnswers(input, desired, answers) : undefined;
  return (
    correct(input, desired, healthMap(desired, gap ?? answers)) ??
    (gap && leadOfGap(input, gap)) ??
    step ?? { kind: 'converged' }
  );
};

/** Whether the step ends an edge whose ports the engine publishes: the next edge can start only after it. */
const endsListening = ({ actual }: PlanInput, step: Decision): boolean =>
  step.kind === 'act' &&
  step.actions.some(
    (a) =>
      (a.kind === 'disarm' || a.kind === 'stop') &&
      boundParts(actual).some((p) => isPublished(p) && p.container.id === a.container.id),
  );

const FOLLOWS = 'the edge and its files follow what runs';

/**
 * Removes servers of missing containers from the running edge, and brings its file up to date; and the
 * answers of every edge, because two take connections while one is replaced.
 */
const correct = (input: PlanInput, desired: DesiredConfig, map: HealthMap): Decision | undefined => {
  const heard = boundParts(input.actual)
    .filter((p) => answersOf(p) && !isLost(p, input))
    .flatMap((p) => answering(p, map));
  const edge = currentEdge(input.actual);
  const state = edge?.seen?.state;
  if (!edge || !state || isLost(edge, input)) return actIfAny(heard, FOLLOWS);
  const { instance } = edge;
  const alive = new Set(input.actual.containers.filter((o) => o.owner).map((o) => serverName(o.id)));
  const stale = state.servers
    .filter((s) => !alive.has(s.name))
    .map(({ backend, name }): Action => ({ kind: 'edge-remove-server', instance, backend, server: name }));
  const config = asItIs(edge, desired, instance);
  const isStale = config !== undefined && renderConfig(config) !== edge.seen?.written?.text;
  const write: readonly Action[] = isStale ? [{ kind: 'edge-write', instance, config }] : [];
  const surplus = config ? closing(config, state) : [];
  return actIfAny([...heard, ...stale, ...write, ...surplus], FOLLOWS);
};

/** Lets load balancers hear these answers, also after a restart of the edge. */
const answering = ({ instance, seen }: EdgePart, map: HealthMap): readonly Action[] => {
  const known = [seen, ...(seen?.state ? [seen.state] : [])];
  const isSame = known.every((k) => k?.answers && sameMap({ counted: [], ...k, answers: k.answers }, map));
  return isSame ? [] : [{ kind: 'edge-answer', instance, ...map }];
};

/** Closes the ports that the config lacks, and sends nothing to the servers behind them any more. */
const closing = ({ instance, frontends, backends }: EdgeConfig, state: EdgeState): readonly Action[] => [
  ...state.frontends
    .filter((f) => !frontends.some((wanted) => sameFrontend(wanted, f)))
    .map((frontend): Action => ({ kind: 'edge-close-port', instance, frontend })),
  ...state.servers
    .filter((s) => s.admin === 'ready' && !backends.some((b) => b.name === s.backend))
    .map(({ backend, name }): Action => ({
      kind: 'edge-set-state',
      instance,
      backend,
      server: name,
      state: 'drain',
    })),
];

/**
 * The file of an edge that is about to be replaced keeps its ports, because the edge may have to come back
 * with them. One that only has ports too many needs no replacement in the host's network: they are closed.
 * Returns undefined if the config of its shape is unknown.
 */
const asItIs = (edge: EdgePart, desired: DesiredConfig, instance: string): EdgeConfig | undefined => {
  const config = { ...desired, instance };
  if (edgeShape(config) === edge.shape) return config;
  const before = edge.seen?.written;
  if (!before) return undefined;
  const names = [...new Set(before.frontends.map((f) => f.backend))];
  const backends = names.map((name): EdgeBackend => {
    const servers = desired.backends.find((b) => b.name === name)?.servers;
    const seen = edge.seen?.state?.servers.filter((s) => s.backend === name && s.admin === 'ready') ?? [];
    return {
      name,
      protocol: before.frontends.find((f) => f.backend === name)?.protocol ?? 'tcp',
      servers:
        servers ?? seen.map((s) => ({ name: s.name, address: s.address, port: s.port, state: s.admin })),
    };
  });
  const old = { ...config, frontends: before.frontends, backends, checks: before.checks };
  if (edgeShape(old) !== edge.shape) return undefined;
  // A port that the running edge does not try yet: it keeps its shape, so that another edge replaces it.
  const checks = (config.checks ?? []).filter((c) => before.checks.some((b) => isSameCheck(b, c)));
  const isPart = config.frontends.every((f) =>
    before.frontends.some((b) => sameFrontend(b, f) && b.backend === f.backend && b.protocol === f.protocol),
  );
  return isPart && config.frontends.length > 0 && config.mode === 'host' ? { ...config, checks } : old;
};

const isSameCheck = (a: CheckedPort, b: CheckedPort): boolean =>
  a.service === b.service && sameFrontend(a, b);

/** Network and image of the edge, made once for all services that wait for them. */
const edgeNeeds = (input: PlanInput, image: Image | undefined): Decision | undefined => {
  const isAdrift = edgeNetwork(input.actual) === undefined;
  const early = isAdrift ? declaredSubnets(input, failedStepKey('', EDGE_TARGET)) : [];
  const network = isAdrift
    ? actIfAny(early.length > 0 ? early : [edgeNetworkOf(input)], 'the edge reaches its containers there')
    : undefined;
  return network ?? (image ? undefined : pullEdge(input));
};

const pullEdge = (input: PlanInput): Decision | undefined => {
  const keepAs = keepEdgeName(input);
  const action = { kind: 'pull', image: input.edge.image, ...(keepAs !== undefined && { keepAs }) } as const;
  return actIfAny([action], 'the image of the edge is not on this host');
};

interface Wanted {
  readonly config: DesiredConfig;
  readonly shape: string;
  readonly answers: HealthAnswers;
}

const startEdge = (
  input: PlanInput,
  { config: desired, shape, answers }: Wanted,
  image: Image | undefined,
  meant: EdgePart | undefined,
  others: readonly EdgePart[],
  unknown: PortOwners['unknown'],
): Decision | undefined => {
  if (!image) return pullEdge(input);
  if (meant?.container.state === 'paused')
    return actIfAny([{ kind: 'unpause', container: refOf(meant.container) }], 'it was paused by hand');
  if (meant && isUp(meant.container))
    return rejoinEdge(input, meant) ?? freePorts(input, meant, others) ?? awaitAnswer(input, meant);
  const hasPorts = desired.frontends.length > 0;
  if (hasPorts) {
    // The engine publishes a port for one container only, so an edge that has the port ends first.
    const inTheWay = endEdges(desired.mode === 'publish' ? others : others.filter(isPublished));
    const first = unknown ?? inTheWay ?? awaitHandOver(input, others);
    if (first) return first;
  }
  const hasEndpoint = hasHealthEndpoint(desired);
  const map = healthMap(desired, answers);
  if (meant) {
    const heard = hasEndpoint ? answering(meant, map) : [];
    const silenced = hasPorts ? silence(input, others) : [];
    return start(meant, { ...desired, instance: meant.instance }, [...silenced, ...heard]);
  }
  const network = edgeNetwork(input.actual)?.name;
  if (network === undefined) return wait('edge', 'the edge network is being created');
  const takesOver = desired.mode === 'host' && desired.frontends.length > 0;
  const predecessor = takesOver ? listeningEdge(input.actual)?.instance : undefined;
  const instance = instanceOf(
    shape,
    image.id,
    others.map((p) => p.instance),
  );
  const config = { ...desired, instance };
  const name = edgeContainerName(input.environment, instance);
  const holder = input.actual.containers.find((o) => o.name === name && o.edge === undefined);
  if (holder) return nameTaken(holder);
  const create: Action = {
    kind: 'create-edge',
    name,
    instance,
    shape,
    imageId: image.id,
    predecessor,
    frontends: desired.frontends.map(({ hostAddress, hostPort, backend }) => ({
      hostAddress,
      hostPort,
      backend,
    })),
    mode: desired.mode,
    network,
    ports:
      desired.mode === 'host'
        ? []
        : listenersOf(config).map(({ frontend, port }) => ({
            hostAddress: frontend.hostAddress,
            hostPort: frontend.hostPort,
            containerPort: port,
          })),
  };
  const why =
    others.length === 0
      ? 'start-first services or load balancers need an edge'
      : 'the edge is replaced: its ports or image change';
  const heard: readonly Action[] = hasEndpoint ? [{ kind: 'edge-answer', instance, ...map }] : [];
  return actIfAny([...heard, { kind: 'edge-write', instance, config }, create], why);
};

const nameTaken = ({ name, otherEnvironment }: Container): Decision => ({
  kind: 'blocked',
  reason: 'name',
  message:
    `the edge's name ${name} is taken by a container ` +
    (otherEnvironment === undefined ? 'that is not an edge' : `of the environment ${otherEnvironment}`),
  advice: `rename that container (docker rename ${name} …), or remove it`,
});

/** Sends away, once each, silent edges that have the ports of an edge that cannot start. */
const freePorts = (input: PlanInput, meant: EdgePart, others: readonly EdgePart[]): Decision | undefined => {
  if (meant.seen?.state || mayBind(meant)) return undefined;
  const why = 'it never answers again, and has the ports of the next edge';
  return actIfAny(
    silence(
      input,
      others.filter((p) => !p.isLeaving),
    ),
    why,
  );
};

/** Connects an edge in `publish` mode again that was taken off its network. */
const rejoinEdge = (input: PlanInput, { container }: EdgePart): Decision | undefined => {
  const network = edgeNetwork(input.actual)?.name;
  const isOff = container.detail?.networks.every((n) => n.network !== network) === true;
  if (input.edge.mode !== 'publish' || network === undefined || !isOff) return undefined;
  const attachment = { network: EDGE_NETWORK, aliases: [] };
  return actIfAny(
    [{ kind: 'connect', container: refOf(container), network, attachment, alias: undefined }],
    'it was taken off its network by hand',
  );
};

/** A new name, but the same one for the same input: planning again creates no second edge. */
const instanceOf = (...parts: readonly unknown[]): string =>
  createHash('sha256').update(JSON.stringify(parts)).digest('hex').slice(0, 10);

const start = (part: EdgePart, config: EdgeConfig, before: readonly Action[]): Decision | undefined => {
  const isStale = renderConfig(config) !== part.seen?.written?.text;
  return actIfAny(
    [
      ...before,
      ...(isStale ? [{ kind: 'edge-write' as const, instance: part.instance, config }] : []),
      { kind: 'start', container: refOf(part.container), release: EDGE_TARGET },
    ],
    'start the edge',
  );
};

const awaitAnswer = (input: PlanInput, part: EdgePart): Decision | undefined => {
  const { container, seen } = part;
  if (seen?.state && seen.hasSockets) return undefined;
  const untilMs = answersBy(part, input);
  const isBroken = (container.detail?.restartCount ?? 0) >= 3 || input.nowMs >= untilMs;
  if (!isBroken) return wait('edge', `${container.name} starts`, untilMs);
  return {
    kind: 'blocked',
    reason: 'edge',
    message: `${container.name} runs ${formatImage(input.edge.image.reference)} and does not answer`,
    advice:
      `read its log (docker logs ${container.name}), ` +
      'and check that SUPERCARGO_EDGE_IMAGE names an image of HAProxy',
  };
};
