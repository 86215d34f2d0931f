import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { runCommand } from '../test/support/command.ts';
import { createImagePusher, type PushedImage } from '../test/support/images.ts';
import { flavours } from '../test/support/flavours.ts';
import type { TestHost } from '../test/support/host.ts';
import { FOREIGN_LABEL } from '../test/support/leftovers.ts';
import { freePorts } from '../test/support/ports.ts';
import { startsOf, untilServes } from './answering.ts';
import { apiNetwork, apiService } from './by-api.ts';
import { relativeRow, spreadOf, type Row, type Spread } from './figures.ts';
import type { Setting } from './setting.ts';
import { takeTurns } from './sides.ts';

const NAMES = Array.from({ length: 20 }, (_, n) => `s${String(n + 1)}`);

/** One for each name. */
type Ports = readonly number[];

const services = (image: (name: string) => string, ports: Ports, more = ''): string =>
  NAMES.map(
    (name, n) => `
  ${name}:
    image: ${image(name)}
    ports: ['127.0.0.1:${String(ports[n])}:8888']
    environment: { NODE_ENV: bench }
    restart: always
    stop_grace_period: 5s${more}`,
  ).join('');

const untilAllServe = async (ports: Ports, version: string): Promise<void> => {
  await Promise.all(ports.map((port) => untilServes(port, version)));
};

const compose = async (setting: Setting, host: TestHost, ...words: string[]): Promise<void> => {
  const env = {
    ...process.env,
    DOCKER_HOST: setting.dockerHost,
    COMPOSE_PROJECT_NAME: `${host.environment}_compose`,
  };
  const cwd = join(host.folder, 'docker-compose');
  const { code, stderr } = await runCommand('/usr/bin/docker-compose', words, {
    env,
    cwd,
    timeoutMs: 300_000,
  });
  if (code !== 0) throw new Error(`docker-compose ${words.join(' ')}: exit code ${String(code)}\n${stderr}`);
};

const seconds = (all: readonly number[]): Spread => spreadOf(all.map((ms) => ms / 1000));

/**
 * Twenty images change at once, each of its own: from there until every new container answers; all sides take
 * turns.
 */
export const measureTwenty = (setting: Setting): Promise<readonly Row[]> =>
  setting.onHost(async (host) => {
    const { docker, registry, rounds } = setting;
    const { push } = createImagePusher();
    const network = await apiNetwork(docker, host);
    const ports = await freePorts(3 * NAMES.length);
    const portsOf = (side: number): Ports => ports.slice(side * NAMES.length, (side + 1) * NAMES.length);
    const api = portsOf(0).map((port) => apiService(docker, host, network, port));
    const times = await takeTurns(
      rounds,
      {
        compose: await byCompose(setting, host, portsOf(1)),
        api: async (images: readonly PushedImage[], version) => {
          await Promise.all(api.map(async (service, n) => service.deploy(images[n] as PushedImage, version)));
        },
        agent: await byAgent(setting, host, portsOf(2)),
      },
      async (side, version) => {
        const pushed = NAMES.map(async (name) =>
          push(registry, `${side}/${name}`, version, { ...flavours.web, environment: { NAME: name } }),
        );
        return Promise.all(pushed);
      },
      async () => {
        await Promise.all(api.map(async (service) => service.tidy()));
        await host.run(['sync', '--wait']);
      },
    );
    const of = {
      name: 'the same, 20 services changed at once',
      unit: 's',
      ours: seconds(times.agent),
    } as const;
    const yardstick = { name: 'docker-compose pull, up -d', spread: seconds(times.compose) };
    const calls = {
      name: 'the same calls at the Docker API, side by side',
      spread: seconds(times.api),
    };
    return [relativeRow(0.6, { ...of, yardstick }), relativeRow(1.25, { ...of, yardstick: calls })];
  });

type Deploy = (images: readonly PushedImage[], version: string) => Promise<void>;

const byCompose = async (setting: Setting, host: TestHost, ports: Ports): Promise<Deploy> => {
  const folder = join(host.folder, 'docker-compose');
  await mkdir(folder);
  return async (images, version) => {
    const image = (name: string): string => images[NAMES.indexOf(name)]?.ref ?? '';
    // With the label they go when the host does.
    const label = `\n    labels: ['${FOREIGN_LABEL}=${host.environment}']`;
    const file = `version: '3.7'\nservices:${services(image, ports, label)}\n`;
    await writeFile(join(folder, 'docker-compose.yml'), file);
    await compose(setting, host, 'pull', '--quiet');
    await compose(setting, host, 'up', '-d');
    await untilAllServe(ports, version);
  };
};

const byAgent = async ({ docker, registry }: Setting, host: TestHost, ports: Ports): Promise<Deploy> => {
  const more = '\n    deploy: { update_config: { monitor: 1s } }';
  const image = (name: string): string => `${registry.address}/agent/${name}`;
  await host.compose(`services:${services(image, ports, more)}\n`);
  await host.publish({});
  await host.agent();
  return async (images, version) => {
    const { started } = await startsOf(docker, host.environment, NAMES.length);
    await host.publish(Object.fromEntries(NAMES.map((name, n) => [name, images[n]?.pinned ?? ''])));
    await started;
    await untilAllServe(ports, version);
  };
};
