import type { RestartPolicy } from '../../core/compose/project-model.ts';
import { frontendName, parseFrontendName } from '../../core/edge/haproxy-names.ts';
import { LABELS, NAME, projectName } from '../../core/docker-names.ts';
import type { CreateContainer, CreateEdge } from '../../core/plan/action.ts';
import type { EdgeOwner, OtherOwner, Owner } from '../../core/state/actual.ts';

export type Labels = Readonly<Record<string, string>>;

export const formatRestart = ({ name, maxRetries }: RestartPolicy): string =>
  name === 'on-failure' && maxRetries > 0 ? `${name}:${String(maxRetries)}` : name;

/** Labels can be written by anybody: what is no count is 0. */
const countIn = (text: string | undefined): number => {
  const count = Number(text ?? 0);
  return Number.isSafeInteger(count) && count >= 0 ? count : 0;
};

export const parseRestart = (text: string): RestartPolicy => {
  const [name = '', retries = '0'] = text.split(':');
  const isKnown = name === 'always' || name === 'unless-stopped' || name === 'on-failure';
  return { name: isKnown ? name : 'no', maxRetries: name === 'on-failure' ? countIn(retries) : 0 };
};

/** Undefined where the labels are not this environment's, or somebody wrote half of them. */
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

/** Undefined where it is no edge of this environment. */
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

/** `any:8080=web`: what was not written like this is left out. */
const parseEdgePorts = (text: string): EdgePorts =>
  text.split(',').flatMap((entry) => {
    const [name = '', service = ''] = entry.split('=');
    const place = parseFrontendName(name);
    return place && service !== '' ? [{ ...place, protocol: 'tcp', service }] : [];
  });

const formatEdgePorts = ({ frontends }: CreateEdge): string =>
  frontends
    .map((f) => `${frontendName(f.hostAddress, f.hostPort)}=${f.backend.replace(/:\d+$/, '')}`)
    .join(',');

/** Of a container of any environment but ours. */
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
 * An image's labels that would say what a container is: the engine merges them in, and they can only be
 * written over.
 */
export const blankedLabels = (image: Labels): Labels =>
  Object.fromEntries(
    Object.keys(image).flatMap((name) =>
      OWNED.some((prefix) => name.startsWith(prefix)) ? [[name, '']] : [],
    ),
  );

/** No service's: the tools that group by project show it beside them. */
export const edgeLabels = (action: CreateEdge, environment: string): Labels => ({
  [LABELS.environment]: environment,
  [LABELS.edge]: action.instance,
  [LABELS.edgeShape]: action.shape,
  [LABELS.edgePorts]: formatEdgePorts(action),
  ...(action.predecessor !== undefined && { [LABELS.edgePredecessor]: action.predecessor }),
  'com.docker.compose.project': projectName(environment),
});

/**
 * A container that only shows that another one could start: never one of the service, or an edge, even where
 * its image says so.
 */
export const preflightLabels = (service: string, environment: string): Labels => ({
  [LABELS.environment]: environment,
  [LABELS.preflight]: service,
  [LABELS.replica]: '',
  [LABELS.edge]: '',
  'com.docker.compose.project': projectName(environment),
});

/** Whether it is such a container, of this environment. */
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

/** Networks and volumes of ours, with the names that Compose's tools know. */
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
