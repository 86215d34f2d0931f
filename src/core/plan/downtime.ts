import { secondsText } from '../time.ts';
import { serviceRecord } from '../state/ledger.ts';
import type { Exposure, Release } from '../state/release.ts';
import { currentEdge, frontendsOf } from './edge/edge-view.ts';
import { clashes } from './edge/desired-edge.ts';
import { longestStartingMs } from './health-check-time.ts';
import type { Step } from './dry-run.ts';
import type { PlanInput } from './plan-input.ts';
import type { ServicePlan } from './host-plan.ts';

/** Measured: the engine stops and starts a small server, and an edge (docs/LIMITS.md). */
const SWITCH = 'about 0.5 s and the time the new container needs to start';

/** What clients of a service notice of these steps, as text; null if nothing changes for them. */
export const gapOf = (input: PlanInput, plan: ServicePlan, steps: readonly Step[]): string | null => {
  const gap = gapWithoutLead(input, plan, steps);
  const { leadMs = 0 } = input.edge.health ?? {};
  const isTold = steps.some(
    ({ action }) => action.kind === 'edge-answer' && action.answers[plan.service]?.isUp === false,
  );
  return gap?.startsWith('about') === true && leadMs > 0 && isTold
    ? `${gap}; load balancers hear of it ${secondsText(leadMs)} before, and have ${secondsText(leadMs)} after it`
    : gap;
};

const gapWithoutLead = (input: PlanInput, plan: ServicePlan, steps: readonly Step[]): string | null => {
  const own = steps.filter((s) => s.part === 'service' && s.service === plan.service);
  const release = releaseIn(own) ?? desiredRelease(input, plan.service);
  const edge = edgeGap(input, release, steps);
  if (own.length === 0) return edge ?? null;
  const stopped = own.filter((s) => s.action.kind === 'stop');
  const starts = own.some((s) => s.action.kind === 'start');
  const serving = plan.running.filter((r) => r.state === 'running');
  if (stopped.length === 0)
    return starts && serving.length === 0 ? 'none now: it does not serve at the moment' : (edge ?? 'none');
  const before = exposureBefore(input, plan);
  const { exposure } = release?.spec ?? {};
  if (exposure === 'edge' && before !== 'edge' && stopsEarly(own))
    return `about 1 s, because ${portsOf(release)} from the container to the edge`;
  if (!starts) return stopped.length < serving.length ? (edge ?? 'none') : 'it ends here';
  if (exposure === undefined)
    return before === 'edge'
      ? `${SWITCH}, because ${portsOf(release)} from the edge to the container`
      : `${SWITCH}, because stop-first stops the old one first`;
  return edge ?? 'none';
};

/**
 * Says that a new container may take longer than `healthy-within` to be good, because its health check may
 * say `starting` for longer; null if not, or without a new container. If the file has no check, that of the
 * serving container shows what the image has.
 */
export const deadlineOf = (
  { actual }: PlanInput,
  plan: ServicePlan,
  steps: readonly Step[],
): string | null => {
  const spec = releaseIn(steps.filter((s) => s.service === plan.service))?.spec;
  if (!spec) return null;
  const serving = actual.containers.find((o) => o.owner?.service === plan.service && o.detail?.healthcheck);
  const startingMs = longestStartingMs(spec.container.healthcheck ?? serving?.detail?.healthcheck);
  return startingMs <= spec.healthyWithinMs
    ? null
    : `${secondsText(startingMs)} instead of ${secondsText(spec.healthyWithinMs)}, ` +
        'because its health check may say `starting` for so long';
};

/** The release of the created container; a tag that is not resolved yet has no other. */
const releaseIn = (own: readonly Step[]): Release | undefined =>
  own.flatMap((s) => (s.action.kind === 'create' ? [s.action.release] : []))[0];

const desiredRelease = (input: PlanInput, service: string): Release | undefined => {
  const desired = input.desired[service];
  return desired?.kind === 'release' ? desired.release : undefined;
};

const exposureBefore = (input: PlanInput, plan: ServicePlan): Exposure | undefined => {
  const serving = new Set(plan.running.map((r) => r.release));
  const good = serviceRecord(input.ledger, plan.service).good.find((g) => serving.has(g.release.id));
  return good?.release.spec.exposure;
};

/** Whether the old container stops before the edge sends to the new one. */
const stopsEarly = (own: readonly Step[]): boolean => {
  const ready = own.findIndex((s) => s.action.kind === 'edge-set-state' && s.action.state === 'ready');
  const stop = own.findIndex((s) => s.action.kind === 'stop');
  return stop !== -1 && (ready === -1 || stop < ready);
};

const portsOf = (release: Release | undefined): string => {
  const ports = (release?.spec.container.ports ?? []).flatMap((p) =>
    p.protocol === 'tcp' && p.hostPort !== undefined ? [String(p.hostPort)] : [],
  );
  return ports.length === 1 ? `port ${ports[0] ?? ''} moves` : `ports ${ports.join(', ')} move`;
};

/** One port on one address and on every address: the old edge lets it go before the next binds it. */
const addressGap = ({ actual }: PlanInput, release: Release): string | undefined => {
  const before = currentEdge(actual)?.seen?.written?.frontends ?? [];
  const moved = frontendsOf(release).find((f) => before.some((b) => clashes(b, f)));
  return (
    moved && `about 2 s, because port ${String(moved.hostPort)} moves between one address and every address`
  );
};

/** An edge in a network of its own cannot hand its ports over to the next one. */
const edgeGap = (
  input: PlanInput,
  release: Release | undefined,
  steps: readonly Step[],
): string | undefined => {
  const replaced = steps.some((s) => s.part === 'edge' && s.action.kind === 'stop');
  const made = steps.some((s) => s.part === 'edge' && s.action.kind === 'create-edge');
  if (input.edge.mode === 'host') return made && release ? addressGap(input, release) : undefined;
  return release?.spec.exposure === 'edge' && replaced && made
    ? 'about 0.5 s, because the edge is replaced, which has a gap with SUPERCARGO_EDGE_MODE=publish'
    : undefined;
};
