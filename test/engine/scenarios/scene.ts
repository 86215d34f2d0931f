import { inject, onTestFinished } from 'vitest';
import type { Status } from '../../../src/core/status/status-document.ts';
import { sharedHost } from '../../support/context.ts';
import { flavours, type Flavour } from '../../support/flavours.ts';
import type { CliResult, HostOptions, TestHost } from '../../support/host.ts';
import { createImagePusher, type PushedImage } from '../../support/images.ts';
import { freePort } from '../../support/ports.ts';
import type { RegistryAddress } from '../../support/registry.ts';

export interface SceneOptions extends Partial<HostOptions> {
  readonly registry?: RegistryAddress;
}

/** A host, a port, and images of its own; gone after the test that asked for it. */
export interface Scene extends TestHost {
  /** Free when the scene was made. */
  readonly port: number;
  /** What the compose file calls the image of a service: no other test has it. */
  readonly repository: (service?: string) => string;
  /** An image of a service (`web` unless named); serves and is healthy unless a flavour is given. Equal wherever it is pushed to. */
  readonly push: (
    tag: string,
    flavour?: Flavour,
    service?: string,
    to?: RegistryAddress,
  ) => Promise<PushedImage>;
  /** The line of a compose file that publishes the port. */
  readonly ports: string;
  /** Service `web` with these further lines, and what else the file says. Judged fast. */
  readonly web: (lines?: readonly string[], rest?: string) => string;
  readonly once: (env?: Readonly<Record<string, string>>) => Promise<CliResult>;
}

const pusher = createImagePusher();
export const loadImage = pusher.load;

/** A good service is good within seconds, on a busy machine later; only what never will be good takes all of its time. */
const QUICK = ['deploy: {update_config: {monitor: 1s}}', 'x-supercargo: {healthy-within: 60s}'] as const;
/** For a version that never will be good. */
export const SOON_BAD = 'x-supercargo: {healthy-within: 6s}';

/** A service of a compose file. */
export const service = (name: string, lines: readonly string[]): string =>
  `  ${name}:\n${lines.map((line) => `    ${line}\n`).join('')}`;

export const createScene = async ({
  registry = inject('registry'),
  ...options
}: SceneOptions = {}): Promise<Scene> => {
  const host = await sharedHost(options);
  onTestFinished(async () => host.cleanup());
  const port = await freePort();
  const path = (name: string): string => `${host.environment}/${name}`;
  const repository: Scene['repository'] = (name = 'web') => `${registry.address}/${path(name)}`;
  const ports = `ports: ["${String(port)}:8888"]`;
  return {
    ...host,
    port,
    ports,
    repository,
    // A line of its own makes it an image of its own: equal images of two tests would be one in the engine.
    push: async (tag, flavour = flavours.healthy, name = 'web', to = registry) =>
      pusher.push(to, path(name), tag, { ...flavour, entry: `${flavour.entry}\n# ${path(name)}` }),
    web: (lines = [ports], rest = '') => {
      const quick = QUICK.filter((line) => !lines.some((l) => l.startsWith(line.split(':')[0] ?? '')));
      const all = [`image: ${repository()}`, 'restart: unless-stopped', ...quick, ...lines];
      const unique = all.filter((line, at) => !all.slice(at + 1).some((l) => keyOf(l) === keyOf(line)));
      return `services:\n${service('web', unique)}${rest}`;
    },
    once: async (env = {}) => host.run(['once'], { env }),
  };
};

const keyOf = (line: string): string => /^[a-z_-]+:/.exec(line)?.[0] ?? line;

/** One container of the environment, as an operator sees it. */
export interface Seen {
  readonly id: string;
  readonly name: string;
  readonly service: string;
  readonly replica: number;
  readonly version: string;
  readonly state: string;
  readonly restart: string;
  readonly startedAt: string;
}

/** Every container of the environment, by service, replica and version. */
export const containersOf = async ({ docker, environment }: TestHost): Promise<readonly Seen[]> => {
  const label = [`io.supercargo.environment=${environment}`];
  const listed = await docker.listContainers({ all: true, filters: { label } });
  const seen = await Promise.all(
    listed.map(async ({ Id, Labels }): Promise<Seen> => {
      const { Name, State, HostConfig } = await docker.getContainer(Id).inspect();
      return {
        id: Id,
        name: Name.slice(1),
        service: Labels['io.supercargo.service'] ?? '',
        replica: Number(Labels['io.supercargo.replica']),
        version: Labels['io.supercargo.version'] ?? '',
        state: State.Status,
        restart: HostConfig.RestartPolicy?.Name ?? '',
        startedAt: State.StartedAt,
      };
    }),
  );
  const key = (c: Seen): string => `${c.service} ${String(c.replica)} ${c.version} ${c.id}`;
  return seen.toSorted((a, b) => key(a).localeCompare(key(b)));
};

/** `web 1.0.0 running`, one per container. */
export const runningIn = async (host: TestHost): Promise<readonly string[]> =>
  (await containersOf(host)).map((c) => `${c.service} ${c.version} ${c.state}`);

/** The one container of a service. @throws where there is none, or more than one. */
export const onlyContainer = async (host: TestHost, name = 'web'): Promise<Seen> => {
  const found = (await containersOf(host)).filter((c) => c.service === name);
  const [first] = found;
  if (first === undefined || found.length > 1)
    throw new Error(`${String(found.length)} containers of ${name}: ${JSON.stringify(found)}`);
  return first;
};

/** All that a command could have changed on the engine and in the state folder's ledger. */
export const everything = async (host: TestHost): Promise<unknown> => {
  const { docker, environment } = host;
  const isOurs = (name: string): boolean => name.includes(environment);
  const images = (await docker.listImages()).flatMap((i) => [
    ...(i.RepoTags ?? []),
    ...(i.RepoDigests ?? []),
  ]);
  return {
    containers: await containersOf(host),
    networks: (await docker.listNetworks())
      .map((n) => n.Name)
      .filter(isOurs)
      .toSorted(),
    volumes: (await docker.listVolumes()).Volumes.map((v) => v.Name)
      .filter(isOurs)
      .toSorted(),
    images: images.filter(isOurs).toSorted(),
  };
};

export const statusOf = async (host: TestHost): Promise<{ code: number | null; status: Status }> => {
  const result = await host.run(['status', '--json']);
  return { code: result.code, status: result.json() as Status };
};

/** What a person reads, both outputs. */
export const told = ({ stdout, stderr }: CliResult): string => `${stdout}${stderr}`;

/** @throws with everything that the command said, where it ended with another code. */
export const assertCode = (result: CliResult, code: number): void => {
  if (result.code === code) return;
  throw new Error(`exit code ${String(result.code)} instead of ${String(code)}:\n${told(result)}`);
};

/** Deploys a healthy `web` 1.0.0 and makes sure of it. */
export const deployed = async (
  scene: Scene,
  lines?: readonly string[],
  rest?: string,
): Promise<PushedImage> => {
  const image = await scene.push('1.0.0');
  await scene.compose(scene.web(lines, rest));
  await scene.publish({ web: image.pinned });
  assertCode(await scene.once(), 0);
  return image;
};
