import type { HealthAnswers } from '../edge/health-answer.ts';
import { frontendName } from '../edge/haproxy-names.ts';
import { formatImage } from '../image/reference.ts';
import type { EdgeConfig } from '../edge/edge-config.ts';
import type { Release } from '../state/release.ts';
import type { Action } from './action.ts';

/** Details of an action for people, the main one first. Never a spec, because it holds the environment. */
export const detailsOf = (action: Action): Readonly<{ [name: string]: string | boolean }> => {
  switch (action.kind) {
    case 'resolve-tag':
      return { image: formatImage(action.image.reference) };
    case 'pull':
      return { image: formatImage({ ...action.image.reference, digest: action.image.digest }) };
    case 'create':
      return { container: action.name, ...versionOf(action.release) };
    case 'create-network':
    case 'remove-network':
    case 'create-volume':
      return { name: action.name };
    case 'rename':
      return { container: action.container.name, to: action.to };
    case 'connect':
    case 'rejoin':
      return { container: action.container.name, to: action.network };
    case 'tag-image':
      return { image: `${action.repository}:${action.tag}` };
    case 'remove-image':
      return { image: action.references.join(', ') };
    case 'create-edge':
      return { container: action.name };
    case 'edge-write':
      return { edge: action.instance, servers: String(serversIn(action.config)) };
    case 'edge-add-server':
      return { server: `${action.backend}/${action.server.name}` };
    case 'edge-set-state':
      return { server: `${action.backend}/${action.server}`, to: action.state };
    case 'edge-cut-sessions':
    case 'edge-remove-server':
      return { server: `${action.backend}/${action.server}` };
    case 'edge-close-port':
      return { port: frontendName(action.frontend.hostAddress, action.frontend.hostPort) };
    case 'edge-answer':
      return { answers: answersText(action.answers) };
    case 'edge-discard':
      return {};
    case 'drain':
      return {
        container: action.containers.map((container) => container.name).join(', '),
        ...(!action.draining && { ended: true }),
      };
    case 'adopt':
      return { container: action.adoption.name };
    case 'remember':
      return { ...versionOf(action.release), ...(action.completed && { completed: true }) };
    case 'quarantine': {
      const { version, reason, message } = action.failure;
      return { version, reason, message };
    }
    case 'forget':
      return {};
    case 'disarm':
    case 'arm':
    case 'start':
    case 'unpause':
    case 'stop':
    case 'remove':
    case 'limit':
    case 'leave-edge':
      return { container: action.container.name };
  }
};

const answersText = (answers: HealthAnswers): string =>
  Object.entries(answers)
    .map(([service, { isUp }]) => `/${service} ${isUp ? '200' : '503'}`)
    .join(', ');

const serversIn = (config: EdgeConfig): number =>
  config.backends.reduce((sum, b) => sum + b.servers.length, 0);

const versionOf = ({ version, id }: Release): { version: string; release: string } => ({
  version,
  release: id.slice(0, 8),
});

/** The main detail alone: `web-1`, `web-1 to web-2`, `org/web:1.0.0` (without its digest). */
export const subjectOf = (action: Action): string => {
  const { to, ...details } = detailsOf(action);
  const [first = ''] = Object.values(details);
  const main = String(first).replace(/@sha256:[0-9a-f]{64}$/, '');
  return to === undefined ? main : `${main} to ${String(to)}`;
};
