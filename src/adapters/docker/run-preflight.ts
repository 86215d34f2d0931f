import { randomBytes } from 'node:crypto';
import type Dockerode from 'dockerode';
import type { ContainerCreateOptions, EndpointSettings, HostConfig } from 'dockerode';
import { messageOf } from '../../core/errors.ts';
import { preflightName } from '../../core/docker-names.ts';
import type { CreateContainer, Preflight } from '../../core/plan/action.ts';
import { createBody, endpointsOf } from './create-body.ts';
import { defined } from './defined.ts';
import { statusOf, toEngineError } from './engine-error.ts';
import { inBody } from './request-body.ts';
import { blankedLabels, preflightLabels, type Labels } from './labels.ts';

export interface PreflightContext {
  readonly docker: Dockerode;
  readonly apiVersion: string;
  readonly environment: string;
  readonly signal: AbortSignal;
}

/**
 * No image has it. Runtimes look for the program last, when log driver, devices, mounts, limits, networks and
 * capabilities are in place (tried on 20.10 with runc 1.1): an error about it alone means that all the rest
 * was accepted, and nothing of the image ever runs.
 */
const ABSENT = '/.supercargo-preflight';

/**
 * Starts a container with the settings of the one that is to be created, beside what serves, and takes it
 * away again.
 * @throws AgentError with the words of the engine, where it would not start that container either.
 */
export const tryStart = async (
  action: CreateContainer,
  preflight: Preflight,
  c: PreflightContext,
  imageLabels: Labels,
): Promise<void> => {
  const { name, ...body } = preflightBody(action, preflight, c, imageLabels);
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
 * The engine removes it by itself once it has ended; one that never started is removed here, with the volumes
 * that are its own.
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
 * As little as possible differs from the real one: no name or address by which others would find it, nothing
 * that is in use already.
 */
export const preflightBody = (
  action: CreateContainer,
  preflight: Preflight,
  c: PreflightContext,
  imageLabels: Labels,
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
  );
  const { Healthcheck: _check, MacAddress: _mac, NetworkingConfig: networking, ...rest } = body;
  return defined({
    ...rest,
    name: preflightName(c.environment, release.service, randomBytes(4).toString('hex')),
    Entrypoint: [ABSENT],
    Cmd: [],
    Labels: { ...blankedLabels(imageLabels), ...preflightLabels(release.service, c.environment) },
    HostConfig: { ...(body.HostConfig as HostConfig), AutoRemove: true },
    NetworkingConfig: networking && {
      EndpointsConfig: Object.fromEntries(
        Object.keys(networking.EndpointsConfig ?? {}).map((n) => [n, endpointIn(action, preflight, n)]),
      ),
    },
  }) as ContainerCreateOptions;
};

/**
 * Below API 1.44 the create call takes one network; the real one is connected to the others before it starts.
 */
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

/** Its declared address where that is free; never its MAC address, which what serves may have. */
const endpointIn = (action: CreateContainer, preflight: Preflight, name: string): EndpointSettings => {
  const mode = action.release.spec.container.networkMode;
  const attachments = mode.kind === 'networks' ? mode.attachments : [];
  const own = attachments.find((a) => action.networks[a.network] === name);
  return own?.ipv4 !== undefined && preflight.addresses.includes(own.network)
    ? { IPAMConfig: { IPv4Address: own.ipv4 } }
    : {};
};
