import { randomBytes } from 'node:crypto';
import type Dockerode from 'dockerode';
import type { ContainerCreateOptions, EndpointSettings, HostConfig } from 'dockerode';
import { messageOf } from '../../core/errors.ts';
import { preflightName } from '../../core/docker-names.ts';
import type { CreateContainer, Preflight } from '../../core/plan/action.ts';
import { createBody, endpointsOf } from './create-body.ts';
import { defined } from './defined.ts';
import { statusOf, toEngineError } from './engine-error.ts';
import type { ImageConfig } from './image-config.ts';
import { inBody } from './request-body.ts';
import { blankedLabels, preflightLabels } from './labels.ts';
import { labelsOf } from './response-types.ts';

export interface PreflightContext {
  readonly docker: Dockerode;
  readonly apiVersion: string;
  readonly environment: string;
  readonly signal: AbortSignal;
}

/**
 * A program that no image has. Runtimes look for the program last, after log driver, devices, mounts, limits,
 * networks and capabilities (tried on 20.10 with runc 1.1). So an error about it alone means that they
 * accepted all the rest, and nothing of the image runs.
 */
const ABSENT = '/.supercargo-preflight';

/**
 * Starts a container with the settings of the new one, beside the old one, and removes it again.
 * @throws AgentError with the engine's message if the new container would not start either
 */
export const tryStart = async (
  action: CreateContainer,
  preflight: Preflight,
  c: PreflightContext,
  image: ImageConfig | undefined,
): Promise<void> => {
  const { name, ...body } = preflightBody(action, preflight, c, image);
  const container = await c.docker.createContainer(inBody(body, c.signal, defined({ name })));
  try {
    for (const [network, EndpointConfig] of furtherEndpoints(action, preflight, c))
      await c.docker
        .getNetwork(network)
        .connect(inBody({ Container: container.id, EndpointConfig }, c.signal));
    await container.start({ abortSignal: c.signal });
  } catch (error) {
    if (!messageOf(error).includes(ABSENT)) throw toEngineError(error, `cannot start ${action.name}`);
  } finally {
    await discard(container, c.signal);
  }
};

/**
 * The engine removes the container itself once it has ended; this removes one that never started, with its
 * anonymous volumes.
 */
const discard = async (container: Dockerode.Container, signal: AbortSignal): Promise<void> => {
  try {
    await container.remove({ force: true, v: true, abortSignal: signal });
  } catch (error) {
    const status = statusOf(error);
    if (status !== 404 && status !== 409) throw error;
  }
};

/**
 * The new container's body without its names, addresses and ports, so that no client finds it and nothing
 * conflicts.
 */
export const preflightBody = (
  action: CreateContainer,
  preflight: Preflight,
  c: Pick<PreflightContext, 'apiVersion' | 'environment'>,
  image: ImageConfig | undefined,
): ContainerCreateOptions => {
  const { release } = action;
  const { container: spec } = release.spec;
  const body = createBody(
    {
      ...action,
      armed: false,
      named: false,
      release: {
        ...release,
        spec: { ...release.spec, container: { ...spec, ports: preflight.ports, environment: {} } },
      },
    },
    c.environment,
    c.apiVersion,
    image,
  );
  const { Healthcheck: _check, MacAddress: _mac, NetworkingConfig: networking, ...rest } = body;
  return defined({
    ...rest,
    name: preflightName(c.environment, release.service, randomBytes(4).toString('hex')),
    Entrypoint: [ABSENT],
    Cmd: [],
    Labels: { ...blankedLabels(labelsOf(image?.Labels)), ...preflightLabels(release.service, c.environment) },
    HostConfig: { ...(body.HostConfig as HostConfig), AutoRemove: true },
    NetworkingConfig: networking && {
      EndpointsConfig: Object.fromEntries(
        Object.keys(networking.EndpointsConfig ?? {}).map((n) => [n, endpointIn(action, preflight, n)]),
      ),
    },
  }) as ContainerCreateOptions;
};

/** Below API 1.44 the create call takes one network, and the others are connected before the start. */
const furtherEndpoints = (
  action: CreateContainer,
  preflight: Preflight,
  { apiVersion }: PreflightContext,
): readonly (readonly [string, EndpointSettings])[] => {
  const created = new Set(Object.keys(endpointsOf(action, apiVersion)));
  return Object.values(action.networks)
    .filter((n) => !created.has(n))
    .map((n) => [n, endpointIn(action, preflight, n)]);
};

/** The declared addresses that are free; never the MAC address, which the old container may have. */
const endpointIn = (action: CreateContainer, preflight: Preflight, name: string): EndpointSettings => {
  const mode = action.release.spec.container.networkMode;
  const attachments = mode.kind === 'networks' ? mode.attachments : [];
  const own = attachments.find((a) => action.networks[a.network] === name);
  const config = defined({
    IPv4Address: preflight.addresses.find((ip) => ip === own?.ipv4),
    IPv6Address: preflight.addresses.find((ip) => ip === own?.ipv6),
  });
  return Object.keys(config).length > 0 ? { IPAMConfig: config } : {};
};
