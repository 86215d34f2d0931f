import { randomBytes } from 'node:crypto';
import { inject, onTestFinished } from 'vitest';
import { sharedDocker } from '../../support/context.ts';
import { flavours, type Flavour } from '../../support/flavours.ts';
import { createFleetHost, createPublisher, type Publisher, untilReported } from '../../support/fleet.ts';
import { type FleetHub, startHub } from '../../support/fleet-hub.ts';
import { type Machine, startMachine } from '../../support/fleet-machine.ts';
import type { Agent } from '../../support/agent.ts';
import type { CliResult, TestHost } from '../../support/host.ts';
import { createImagePusher, type PushedImage } from '../../support/images.ts';
import { eventually } from '../../support/poll.ts';
import { runningIn } from './scene.ts';

/** What all tests of a file share: a hub, the build server, and two more machines than this one. */
export interface Ground {
  readonly hub: FleetHub;
  readonly publisher: Publisher;
  readonly machines: readonly Machine[];
  readonly remove: () => Promise<void>;
}

export const prepareGround = async (machineCount: number): Promise<Ground> => {
  const hub = await startHub();
  const registryPort = Number(inject('registry').address.split(':')[1]);
  const started = Array.from({ length: machineCount }, async () => startMachine([registryPort, hub.port]));
  const machines = await Promise.all(started);
  const publisher = await createPublisher(hub);
  return {
    hub,
    publisher,
    machines,
    remove: async () => {
      await Promise.all(machines.map(async (machine) => machine.remove()));
      await publisher.remove();
      await hub.remove();
    },
  };
};

export interface FleetHost extends TestHost {
  readonly name: string;
  readonly daemon: Agent;
}

/** An environment of its own, whose hosts run `web`; gone after the test that asked for it. */
export interface FleetScene extends Ground {
  readonly environment: string;
  readonly hosts: readonly FleetHost[];
  readonly repository: (service?: string) => string;
  readonly push: (tag: string, flavour?: Flavour, service?: string) => Promise<PushedImage>;
  /** `supercargo publish` to this environment. */
  readonly publish: (...args: readonly string[]) => Promise<CliResult>;
  /** Publishes a healthy `web` of this version and makes sure of it. */
  readonly deploy: (tag: string) => Promise<void>;
  /** `web-1: web 1.0.0 running` for every container of every host. */
  readonly running: () => Promise<readonly string[]>;
}

const pusher = createImagePusher();

/** Judged within seconds. It publishes no port: the hosts that are on one machine would fight for it. */
const composeOf = (image: string): string => `services:
  web:
    image: ${image}
    restart: unless-stopped
    deploy: {update_config: {monitor: 1s}}
    x-supercargo: {healthy-within: 60s}
`;

interface SceneOptions {
  readonly hosts?: number;
  /** The compose file for an image of `web`; one that runs `web` alone unless given. */
  readonly compose?: (image: string) => string;
  /** SUPERCARGO_LABELS of each host, in their order. */
  readonly labels?: readonly string[];
  /** Of each host, in their order, instead of bin/supercargo. */
  readonly programs?: readonly string[];
}

const startHosts = async (
  { hub, publisher, machines }: Ground,
  environment: string,
  { hosts: count = 1, labels = [], programs = [] }: SceneOptions,
  compose: string,
): Promise<readonly FleetHost[]> => {
  const here = { dockerHost: inject('dockerHost'), docker: sharedDocker() };
  const places = [here, ...machines].slice(0, count);
  return Promise.all(
    places.map(async (place, at) => {
      const name = `web-${String(at + 1)}`;
      const env = { SUPERCARGO_LABELS: labels[at] ?? '' };
      const program = programs[at];
      const own = { ...place, ...(program !== undefined && { program }) };
      const host = await createFleetHost({ hub, trust: publisher.trust, ...own, environment, name, env });
      onTestFinished(async () => host.cleanup());
      await host.compose(compose);
      return { ...host, name, daemon: await host.agent() };
    }),
  );
};

export const createFleetScene = async (ground: Ground, options: SceneOptions = {}): Promise<FleetScene> => {
  const { hub, publisher } = ground;
  const environment = `f${randomBytes(4).toString('hex')}`;
  const registry = inject('registry');
  const repository: FleetScene['repository'] = (service = 'web') =>
    `${registry.address}/${environment}/${service}`;
  const { compose = composeOf } = options;
  const hosts = await startHosts(ground, environment, options, compose(repository()));
  const names = hosts.map(({ name }) => name);
  const push: FleetScene['push'] = async (tag, flavour = flavours.healthy, service = 'web') => {
    const path = `${environment}/${service}`;
    return pusher.push(registry, path, tag, { ...flavour, entry: `${flavour.entry}\n# ${path}` });
  };
  const publish: FleetScene['publish'] = async (...args) =>
    publisher.publish(environment, ...args, '--create');
  // Whom a publish waits for: those that the hub knows.
  await untilReported(hub, environment, names);
  return {
    ...ground,
    environment,
    hosts,
    repository,
    push,
    publish,
    deploy: async (tag) => {
      const { ref } = await push(tag);
      const published = await publish(`web=${ref}`, '--wait', '--timeout', '60s');
      if (published.code === 0) return;
      throw new Error(
        `publish ended with ${String(published.code)}:\n${published.stdout}${published.stderr}`,
      );
    },
    running: async () => {
      const lines = await Promise.all(
        hosts.map(async (host) => (await runningIn(host)).map((line) => `${host.name}: ${line}`)),
      );
      return lines.flat();
    },
  };
};

export const untilRunning = async (
  scene: FleetScene,
  wanted: readonly string[],
  deadlineMs = 30_000,
): Promise<void> => {
  const isSo = async (): Promise<boolean> => JSON.stringify(await scene.running()) === JSON.stringify(wanted);
  await eventually(isSo, {
    deadlineMs,
    describe: async () => `${wanted.join(', ')}; it is ${(await scene.running()).join(', ')}`,
  });
};

export const everywhere = (version: string): readonly string[] =>
  ['web-1', 'web-2', 'web-3'].map((host) => `${host}: web ${version} running`);

interface Published {
  readonly serial: number;
  readonly services: Readonly<Record<string, { readonly image: string }>>;
  readonly freeze?: { readonly reason: string };
}

/** What the hosts are told, as the envelope at the hub says. */
export const published = async ({ hub, environment }: FleetScene): Promise<Published | undefined> => {
  const text = await hub.read(`manifests/${environment}.json`);
  if (text === undefined) return undefined;
  const { payload } = JSON.parse(text) as { payload: string };
  return JSON.parse(Buffer.from(payload, 'base64').toString()) as Published;
};

/** All that a publish could have written. */
export const stored = async ({ hub, environment }: FleetScene): Promise<unknown> => ({
  current: await hub.read(`manifests/${environment}.json`),
  history: await hub.read(`manifests/${environment}/`),
});
