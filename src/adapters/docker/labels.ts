import { HEALTH_BACKEND, HEALTH_OWNER } from '../../core/edge/health-answer.ts';
import type { RestartPolicy } from '../../core/compose/project-model.ts';
import { frontendName, parseFrontendName } from '../../core/edge/haproxy-names.ts';
import { LABELS, NAME, projectName } from '../../core/docker-names.ts';
import type { CreateContainer, CreateEdge } from '../../core/plan/action.ts';
import type { EdgeOwner, OtherOwner, Owner } from '../../core/state/actual.ts';

export type Labels = Readonly<Record<string, string>>;

export const formatRestart = ({ name, maxRetries }: RestartPolicy): string =>
  name === 'on-failure' && maxRetries > 0 ? `${name}:${String(maxRetries)}` : name;

/** Any tool can write labels, so a malformed count is 0. */
const countIn = (text: string | undefined): number => {
  const count = Number(text ?? 0);
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
};

export const parseRestart = (text: string): RestartPolicy => {
  const [name = '', retries = '0'] = text.split(':');
  const isKnown = name === 'always' || name === 'unless-stopped' || name === 'on-failure';
  return { name: isKnown ? name : 'no', maxRetries: name === 'on-failure' ? countIn(retries) : 0 };
};

/** Returns undefined if the labels are incomplete or of another environment. */
export const parseOwner = (labels: Labels, environment: string): Owner | undefined => {
  const service = labels[LABELS.service];
  const release = labels[LABELS.release];
  const replica = Number(labels[LABELS.replica]);
  if (labels[LABELS.environment] !== environment || service === undefined || release === undefined)
    return undefined;
  if (!NAME.test(service)) return undefined;
  if (!Number.isSafeInteger(replica) || replica < 1) return undefined;
  return {
    service,
    replica,
    release,
    serial: countIn(labels[LABELS.serial]),
    version: labels[LABELS.version] ?? '',
    restart: parseRestart(labels[LABELS.restart] ?? 'no'),
  };
};

/** Returns undefined if the container is no edge of this environment. */
export const parseEdge = (labels: Labels, environment: string): EdgeOwner | undefined => {
  const instance = labels[LABELS.edge] ?? '';
  if (labels[LABELS.environment] !== environment || instance === '') return undefined;
  const predecessor = labels[LABELS.edgePredecessor] ?? '';
  return {
    instance,
    shape: labels[LABELS.edgeShape] ?? '',
    ...(predecessor !== '' && { predecessor }),
  };
};

type EdgePorts = OtherOwner['edgePorts'];

/** Parses `any:8080=web,…`; skips malformed entries. */
const parseEdgePorts = (text: string): EdgePorts =>
  text.split(',').flatMap((entry) => {
    const [name = '', service = ''] = entry.split('=');
    const place = parseFrontendName(name);
    return place && service !== '' ? [{ ...place, protocol: 'tcp', service }] : [];
  });

const formatEdgePorts = ({ frontends }: CreateEdge): string =>
  frontends.map((f) => `${frontendName(f.hostAddress, f.hostPort)}=${ownerOf(f.backend)}`).join(',');

const ownerOf = (backend: string): string =>
  backend === HEALTH_BACKEND ? HEALTH_OWNER : backend.replace(/:\d+$/, '');

/** Parses the labels of a container of another environment. */
export const parseOther = (labels: Labels): OtherOwner => {
  const service = labels[LABELS.service] ?? '';
  const isEdge = service === '' && (labels[LABELS.edge] ?? '') !== '';
  return {
    ...(service !== '' && { service }),
    isEdge,
    edgePorts: isEdge ? parseEdgePorts(labels[LABELS.edgePorts] ?? '') : [],
  };
};

const OWNED = ['io.supercargo.', 'com.docker.compose.'];

/**
 * Blanks an image's labels under our prefixes: the engine merges them into the container, and they can only
 * be overwritten.
 */
export const blankedLabels = (image: Labels): Labels =>
  Object.fromEntries(
    Object.keys(image).flatMap((name) =>
      OWNED.some((prefix) => name.startsWith(prefix)) ? [[name, '']] : [],
    ),
  );

/** The edge belongs to no service; tools that group by project show it beside the services. */
export const edgeLabels = (action: CreateEdge, environment: string): Labels => ({
  [LABELS.environment]: environment,
  [LABELS.edge]: action.instance,
  [LABELS.edgeShape]: action.shape,
  [LABELS.edgePorts]: formatEdgePorts(action),
  ...(action.predecessor !== undefined && { [LABELS.edgePredecessor]: action.predecessor }),
  'com.docker.compose.project': projectName(environment),
});

/**
 * Labels of a preflight container, which never counts as the service's or as an edge, whatever its image's
 * labels say.
 */
export const preflightLabels = (service: string, environment: string): Labels => ({
  [LABELS.environment]: environment,
  [LABELS.preflight]: service,
  [LABELS.replica]: '',
  [LABELS.edge]: '',
  'com.docker.compose.project': projectName(environment),
});

/** Whether a container is a preflight of this environment. */
export const isPreflight = (labels: Labels, environment: string): boolean =>
  labels[LABELS.environment] === environment && (labels[LABELS.preflight] ?? '') !== '';

export const ownerLabels = (action: CreateContainer, environment: string): Labels => ({
  [LABELS.environment]: environment,
  [LABELS.service]: action.release.service,
  [LABELS.replica]: String(action.replica),
  [LABELS.release]: action.release.id,
  [LABELS.serial]: String(action.serial),
  [LABELS.version]: action.release.version,
  [LABELS.spec]: action.release.specHash,
  [LABELS.restart]: formatRestart(action.release.spec.container.restart),
  'com.docker.compose.project': projectName(environment),
  'com.docker.compose.service': action.release.service,
  'com.docker.compose.container-number': String(action.replica),
  'com.docker.compose.oneoff': 'False',
});

/** Labels of our networks and volumes, with the names that Compose's tools know. */
export const resourceLabels = (
  environment: string,
  kind: 'network' | 'volume',
  name: string,
  hash: string,
  declared: Labels,
): Labels => ({
  ...declared,
  [LABELS.environment]: environment,
  [LABELS[kind]]: name,
  [LABELS.definition]: hash,
  'com.docker.compose.project': projectName(environment),
  [`com.docker.compose.${kind}`]: name,
});
