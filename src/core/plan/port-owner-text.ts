import { HEALTH_OWNER } from '../edge/health-answer.ts';
import type { Actual, Container, HostPort } from '../state/actual.ts';
import { overlaps } from './host-ports.ts';

/** The owner of a port for messages: environment and service, as far as they are known. */
export interface PortOwner {
  /** `the service web of the environment staging (staging-web-1-0a1b2c3d)` */
  readonly text: string;
  readonly advice: string;
}

const ELSEWHERE = 'publish another port in one of the two environments, or stop the service there';

/** For a container that publishes the port, or another environment's edge that was created for it. */
export const containerOwner = (container: Container, wanted: HostPort): PortOwner => {
  const { name, owner, otherEnvironment: environment, otherOwner } = container;
  const advice = `stop it (docker stop ${name}), or publish another port`;
  if (environment === undefined) return { text: `the ${owner ? '' : 'foreign '}container ${name}`, advice };
  const behind = otherOwner?.edgePorts.find((p) => overlaps(p, wanted))?.service;
  const service = behind ?? otherOwner?.service;
  const what =
    behind === HEALTH_OWNER
      ? 'the health endpoint'
      : service === undefined
        ? 'the container'
        : `the service ${service}`;
  return {
    text: `${what} of the environment ${environment} (${behind === undefined ? '' : 'its edge '}${name})`,
    advice: ELSEWHERE,
  };
};

const isOtherEdge = (container: Container): boolean =>
  container.otherOwner?.isEdge === true && container.state === 'running';

/** Another environment's edge that was created for this port. */
export const edgeOwner = (actual: Actual, wanted: HostPort): PortOwner | undefined => {
  const edge = actual.containers.find(
    (container) => isOtherEdge(container) && container.otherOwner?.edgePorts.some((p) => overlaps(p, wanted)),
  );
  return edge && containerOwner(edge, wanted);
};

/** For a listening program that no container's ports explain. */
export const listenerOwner = (actual: Actual, wanted: HostPort, uid: number): PortOwner => {
  const known = edgeOwner(actual, wanted);
  if (known) return known;
  // Edges of the first agents do not record their ports. Like every edge they listen as root.
  const edges =
    uid === 0
      ? actual.containers.filter((container) => isOtherEdge(container) && saysNothing(container))
      : [];
  const names = edges.map((container) => `${container.otherEnvironment ?? ''} (${container.name})`);
  if (names.length > 0)
    return {
      text: `another program of root, maybe the edge of the environment ${names.join(' or ')}`,
      advice: ELSEWHERE,
    };
  const port = String(wanted.hostPort);
  return {
    text: `another program of this host (user id ${String(uid)})`,
    advice: `find it with: ss -ltnp 'sport = :${port}'; stop it, or publish another port`,
  };
};

const saysNothing = (container: Container): boolean => container.otherOwner?.edgePorts.length === 0;
